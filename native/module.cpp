// The door for NumPy: arrays in, arrays filled in place; `recurra.native` checks shapes and allocates.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dispatch.hpp"
#include "door.hpp"
#include "scratch.hpp"
#include "threads.hpp"

void define_echoes(nb::module_& m);  // in echo_door.cpp
void define_delays(nb::module_& m);  // in delays_door.cpp

using namespace nb::literals;

namespace {

using Present = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;

recurra::Shape shape(int cell, int squash, const nb::ndarray<>& x, long units) {
    return {cell, squash, long(x.shape(0)), long(x.shape(1)), long(x.shape(2)), units};
}

// A tape in one piece, as NumPy holds it: the states, then the gates.
template <class T, class A>
struct Tape {
    T *kept, *gates;

    Tape(const recurra::Shape& s, const A& tape) : kept(data(tape)) {
        const bool has_gates = kept && s.cell != recurra::ELMAN;
        gates = has_gates ? kept + recurra::kept_size<std::remove_const_t<T>>(s) : nullptr;
    }
};

template <class T>
void forward(int cell, int squash, In<T> x, In<T> h0, In<T> c0, In<T> U, In<T> W, In<T> b, In<T> d, Present present,
             Out<T> hs, Out<T> hT, Out<T> cT, Out<T> tape, int threads) {
    const recurra::Shape s = shape(cell, squash, nb::ndarray<>(x), h0.shape(1));
    const Tape<T, Out<T>> parts(s, tape);
    const recurra::Run<T> run{data(x),  data(h0), data(c0), data(U),    data(W),    data(b), data(d), data(present),
                              data(hs), data(hT), data(cT), parts.kept, parts.gates};
    const recurra::Workers workers = recurra::own_threads(threads);
    nb::gil_scoped_release unlocked;
    recurra::functions<T>().forward(s, run, workers, recurra::scratch.get<T>(recurra::functions<T>().scratch_size(s)));
}

template <class T>
void backward(int cell, int squash, In<T> x, In<T> U, In<T> W, Present present, In<T> dhs, In<T> dhT, In<T> dcT,
              In<T> tape, Out<T> dx, Out<T> dh0, Out<T> dc0, Out<T> dU, Out<T> dW, Out<T> db, Out<T> dd, int threads) {
    const recurra::Shape s = shape(cell, squash, nb::ndarray<>(x), W.shape(1));
    const Tape<const T, In<T>> parts(s, tape);
    const recurra::Gradient<T> g{data(x),   data(U),    data(W),     data(present), data(dhs), data(dhT),
                                 data(dcT), parts.kept, parts.gates, data(dx),      data(dh0), data(dc0),
                                 data(dU),  data(dW),   data(db),    data(dd)};
    const recurra::Workers workers = recurra::own_threads(threads);
    nb::gil_scoped_release unlocked;
    recurra::functions<T>().backward(s, g, workers, recurra::scratch.get<T>(recurra::functions<T>().scratch_size(s)));
}

template <class T>
void tangent(int cell, int squash, In<T> x, In<T> U, In<T> W, Present present, In<T> tape, In<T> dx, In<T> dh0,
             In<T> dc0, In<T> dU, In<T> dW, In<T> db, In<T> dd, Out<T> dhs, Out<T> dhT, Out<T> dcT, int threads) {
    const recurra::Shape s = shape(cell, squash, nb::ndarray<>(x), W.shape(1));
    const Tape<const T, In<T>> parts(s, tape);
    const recurra::Tangent<T> d{data(x),   data(U),   data(W),  data(present), parts.kept, parts.gates,
                                data(dx),  data(dh0), data(dc0), data(dU),     data(dW),   data(db),
                                data(dd),  data(dhs), data(dhT), data(dcT)};
    const recurra::Workers workers = recurra::own_threads(threads);
    nb::gil_scoped_release unlocked;
    recurra::functions<T>().tangent(s, d, workers, recurra::scratch.get<T>(recurra::functions<T>().scratch_size(s)));
}

// Numbers of the states and of the gates of a tape.
template <class T>
std::pair<long, long> tape_sizes(int cell, long batch, long steps, long units) {
    const recurra::Shape s{cell, 0, batch, steps, 0, units};
    return {recurra::kept_size<T>(s), recurra::gates_size<T>(s)};
}

std::vector<std::string> runnable() {
    std::vector<std::string> names;
    for (const char* const* name = recurra::built(); *name; name++)
        if (recurra::kernels_named(*name)) names.emplace_back(*name);
    return names;
}

void use(const std::string& isa) {
    const recurra::Kernels* found = recurra::kernels_named(isa.c_str());
    if (!found) throw nb::value_error(("no kernels for " + isa + " run here").c_str());
    recurra::use(*found);
}

template <class T>
void define(nb::module_& m) {
    m.def("forward", forward<T>);
    m.def("backward", backward<T>);
    m.def("tangent", tangent<T>);
}

}  // namespace

NB_MODULE(_kernels, m) {
    m.def("isa", [] { return std::string(recurra::kernels().isa); });
    m.def("runnable", runnable);
    m.def("use", use, "isa"_a);
    m.def("tape_sizes", [](int cell, long batch, long steps, long units, bool single) {
        return single ? tape_sizes<float>(cell, batch, steps, units) : tape_sizes<double>(cell, batch, steps, units);
    });
    define<float>(m);
    define<double>(m);
    define_echoes(m);
    define_delays(m);
}
