// The kernels for one instruction set: compiled once for each, with other options. Only code of the namespace of the
// target may be used here: a template of the standard library would be shared with the other instruction sets.
#include "echo_functions.hpp"
#include "recurrent.hpp"

namespace recurra::RECURRA_TARGET {

template <class T>
static void run(const Shape& s, const Run<T>& r, const Workers& workers, T* scratch) {
    if (s.cell == ELMAN) return forward<T, ElmanKind<T>>(s, r, workers, scratch);
    if (s.cell == GRU) return forward<T, GruKind<T>>(s, r, workers, scratch);
    forward<T, LstmKind<T>>(s, r, workers, scratch);
}

template <class T>
static void differentiate(const Shape& s, const Gradient<T>& g, const Workers& workers, T* scratch) {
    if (s.cell == ELMAN) return backward<T, ElmanKind<T>>(s, g, workers, scratch);
    if (s.cell == GRU) return backward<T, GruKind<T>>(s, g, workers, scratch);
    backward<T, LstmKind<T>>(s, g, workers, scratch);
}

template <class T>
static long scratch_size(const Shape& s, int threads) {
    const long forward = Forward<T, LstmKind<T>>::scratch(s), backward = Backward<T, LstmKind<T>>::scratch(s, threads);
    return forward > backward ? forward : backward;
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

extern const Kernels kernels;
const Kernels kernels = {TEXT(RECURRA_TARGET), {run<float>, differentiate<float>, scratch_size<float>},
                         {run<double>, differentiate<double>, scratch_size<double>},
                         {run_echoes<float>, echo_scratch<float>},
                         {run_echoes<double>, echo_scratch<double>}};

}  // namespace recurra::RECURRA_TARGET
