// The door of the echo state kernels for NumPy; `recurra.native.echo` checks shapes and allocates.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "dispatch.hpp"
#include "door.hpp"
#include "scratch.hpp"
#include "threads.hpp"


namespace {

template <class T>
const recurra::EchoFunctions<T>& functions() {
    if constexpr (sizeof(T) == 4)
        return recurra::kernels().echo_f32;
    else
        return recurra::kernels().echo_f64;
}

// The packed weights of a reservoir, kept from one call to the next.
template <class T>
struct Held {
    int wiring;
    long units;
    double leak;
    In<T> values;
    In<int> columns, starts;
    In<T> W_in, b;

    recurra::Echo<T> echo() const {
        recurra::Echo<T> e{};
        e.wiring = wiring;
        e.units = units;
        e.inputs = long(W_in.shape(0));
        e.leak = leak;
        e.values = data(values);
        e.columns = data(columns);
        e.starts = data(starts);
        e.W_in = data(W_in);
        e.b = data(b);
        e.sets = 1;
        return e;
    }
};

template <class T>
void run(const std::vector<recurra::Echo<T>>& echoes, int threads) {
    const recurra::Workers workers = recurra::own_threads(threads);
    const long count = long(echoes.size());
    nb::gil_scoped_release unlocked;
    const long size = functions<T>().scratch_size(echoes.data(), count, workers.threads);
    functions<T>().run(echoes.data(), count, workers, recurra::scratch.get<double>(size));
}

// Reservoirs of as many units each, driven by the same inputs or by inputs of their own.
template <class T>
void harvest(const std::vector<const Held<T>*>& reservoirs, In<double> x, In<T> h0, Out<T> hs, Out<T> hT, int threads) {
    std::vector<recurra::Echo<T>> echoes;
    const long count = long(reservoirs.size()), steps = long(x.shape(1)), inputs = long(x.shape(2));
    for (long k = 0; k < count; k++) {
        recurra::Echo<T> e = reservoirs[k]->echo();
        e.batch = 1;
        e.steps = steps;
        e.x = x.data() + (x.shape(0) == 1 ? 0 : k * steps * inputs);
        e.h0 = h0.data() + k * e.units;
        e.hs = hs.data() + k * steps * e.units;
        e.hT = hT.data() + k * e.units;
        echoes.push_back(e);
    }
    run(echoes, threads);
}

// A batch of sequences through one reservoir, and its readouts.
template <class T>
void sequences(const Held<T>& reservoir, In<double> readout, long lags, bool increment, bool squared, double bound,
               In<T> h0, In<double> recent0, In<double> x, In<double> last, In<double> drive, Out<T> hT,
               Out<double> recentT, Out<double> ys, int threads) {
    recurra::Echo<T> e = reservoir.echo();
    e.sets = long(readout.shape(0));
    e.channels = long(readout.shape(1));
    e.lags = lags;
    e.increment = increment;
    e.squared = squared;
    e.bound = bound;
    e.readout = data(readout);
    e.batch = long(h0.shape(0));
    const bool closed = last.size() > 0;
    e.steps = long((closed ? drive : x).shape(1));
    e.h0 = data(h0);
    e.recent0 = data(recent0);
    e.x = data(x);
    e.last = data(last);
    e.drive = data(drive);
    e.hT = data(hT);
    e.recentT = data(recentT);
    e.ys = data(ys);
    run(std::vector<recurra::Echo<T>>{e}, threads);
}

template <class T>
void define(nb::module_& m, const char* name) {
    nb::class_<Held<T>>(m, name).def(
        "__init__",
        [](Held<T>* self, int wiring, long units, double leak, In<T> values, In<int> columns, In<int> starts, In<T> W_in,
           In<T> b) { new (self) Held<T>{wiring, units, leak, values, columns, starts, W_in, b}; });
    m.def("echo_harvest", harvest<T>);
    m.def("echo_sequences", sequences<T>);
}

}  // namespace

void define_echoes(nb::module_& m) {
    define<float>(m, "Reservoir_float32");
    define<double>(m, "Reservoir_float64");
}
