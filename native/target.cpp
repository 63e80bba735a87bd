// The kernels for one instruction set: compiled once for each, with other options. Only code of the namespace of the
// target may be used here: a template of the standard library would be shared with the other instruction sets.
#include "backward.hpp"
#include "delays_functions.hpp"
#include "echo_functions.hpp"
#include "tangent.hpp"

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
static void push(const Shape& s, const Tangent<T>& d, const Workers& workers, T* scratch) {
    if (s.cell == ELMAN) return tangent<T, ElmanKind<T>>(s, d, workers, scratch);
    if (s.cell == GRU) return tangent<T, GruKind<T>>(s, d, workers, scratch);
    tangent<T, LstmKind<T>>(s, d, workers, scratch);
}

INLINE long greatest(long a, long b, long c) { return a > b ? (a > c ? a : c) : (b > c ? b : c); }

template <class T>
static long scratch_size(const Shape& s) {
    return greatest(Forward<T, LstmKind<T>>::scratch(s), Backward<T, LstmKind<T>>::scratch(s),
                    Along<T, LstmKind<T>>::scratch(s));
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

extern const Kernels kernels;
const Kernels kernels = {TEXT(RECURRA_TARGET), {run<float>, differentiate<float>, push<float>, scratch_size<float>},
                         {run<double>, differentiate<double>, push<double>, scratch_size<double>},
                         {run_echoes<float>, echo_scratch<float>},
                         {run_echoes<double>, echo_scratch<double>},
                         {run_delays, delay_scratch}};

}  // namespace recurra::RECURRA_TARGET
