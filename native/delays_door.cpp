// The door of the kernels of maps on delayed rows for NumPy; `recurra.native.delays` checks shapes and allocates.
#include <nanobind/nanobind.h>

#include "dispatch.hpp"
#include "door.hpp"
#include "scratch.hpp"
#include "threads.hpp"

namespace {

void free_run(int basis, long lags, long stride, In<double> shift, In<double> scale, double factor, In<double> centres,
              long degree, In<int> earlier, In<int> last, In<double> coefficients, bool increment, double bound,
              In<double> state, In<double> start, In<double> drive, Out<double> ys, int threads) {
    recurra::Delays d{};
    d.basis = basis;
    d.sets = long(coefficients.shape(0));
    d.channels = long(coefficients.shape(1));
    d.size = long(coefficients.shape(2)) - 1;
    d.features = long(state.shape(2));
    d.lags = lags;
    d.stride = stride;
    d.shift = data(shift);
    d.scale = data(scale);
    d.factor = factor;
    d.centres = data(centres);
    d.degree = degree;
    d.earlier = data(earlier);
    d.last = data(last);
    d.coefficients = data(coefficients);
    d.increment = increment;
    d.bound = bound;
    d.batch = long(ys.shape(0));
    d.steps = long(ys.shape(1));
    d.state = data(state);
    d.start = data(start);
    d.drive = data(drive);
    d.ys = data(ys);
    const recurra::Workers workers = recurra::own_threads(threads);
    nb::gil_scoped_release unlocked;
    const recurra::DelayFunctions& functions = recurra::kernels().delays;
    functions.run(d, workers, recurra::scratch.get<double>(functions.scratch_size(d, workers.threads)));
}

}  // namespace

void define_delays(nb::module_& m) {
    m.def("delays_free_run", free_run);
}
