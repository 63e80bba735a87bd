// What the kernels of every instruction set offer, and what they are called with.
#pragma once

#include "delays_table.hpp"
#include "echo_table.hpp"

namespace recurra {

enum Cell { ELMAN, GRU, LSTM };
enum Squash { TANH, RELU, IDENTITY, LOGISTIC };

// Rows of the weights for each unit.
constexpr long gates(int cell) { return cell == ELMAN ? 1 : cell == GRU ? 3 : 4; }

constexpr long round_up(long n, long to) { return (n + to - 1) / to * to; }

// Rows of units are padded to 64 bytes on every machine, so that a size does not depend on the instruction set.
template <class T>
constexpr long padded(long units) {
    return round_up(units, 64 / long(sizeof(T)));
}

struct Shape {
    int cell, squash;
    long batch, steps, inputs, units;
};

// Runs chunk 0 ... chunks - 1 of a piece of work, on one thread or several.
struct Workers {
    int threads;
    double enough;  // floating-point operations that are worth one more of them
    void (*run)(const Workers& self, long chunks, void (*work)(void* context, long chunk), void* context);
    void* pool;
};

// A layer over a batch of sequences. Everything is in C order.
//
// The tape of a run is what the passes after it look at: `kept` (the states) and `gates` (slopes along them), of `kept_size`
// and `gates_size`. The vanilla network needs its states alone.
template <class T>
struct Run {
    const T *x;              // (batch, steps, inputs)
    const T *h0, *c0;        // (batch, units); c0 for LSTM
    const T *U, *W, *b, *d;  // (gates units, inputs), (gates units, units), (gates units,); d for GRU
    const bool* present;     // (batch, steps), or null: steps at which nothing happens are false
    T *hs, *hT, *cT;         // (batch, steps, units), (batch, units)
    T *kept, *gates;         // the tape; both null where none is wanted, `gates` for the vanilla network
};

// The gradient of <dhs, hs> + <dhT, hT> + <dcT, cT>.
template <class T>
struct Gradient {
    const T *x, *U, *W;
    const bool* present;
    const T *dhs, *dhT, *dcT;  // null for zeros
    const T *kept, *gates;   // the tape; `gates` null for the vanilla network
    T* dx;                   // null where it is not wanted
    T *dh0, *dc0;            // null where they are not wanted
    T *dU, *dW, *db, *dd;
};

// The tangent of the outputs along one of everything that goes in: null for zeros.
template <class T>
struct Tangent {
    const T *x, *U, *W;
    const bool* present;
    const T *kept, *gates;   // the tape; `gates` null for the vanilla network
    const T *dx, *dh0, *dc0, *dU, *dW, *db, *dd;
    T *dhs, *dhT, *dcT;  // null where they are not wanted
};

template <class T>
struct Functions {
    void (*forward)(const Shape&, const Run<T>&, const Workers&, T* scratch);
    void (*backward)(const Shape&, const Gradient<T>&, const Workers&, T* scratch);
    void (*tangent)(const Shape&, const Tangent<T>&, const Workers&, T* scratch);
    long (*scratch_size)(const Shape&);  // numbers, for any of them
};

struct Kernels {
    const char* isa;
    Functions<float> f32;
    Functions<double> f64;
    EchoFunctions<float> echo_f32;
    EchoFunctions<double> echo_f64;
    DelayFunctions delays;
};

// Numbers of the parts of a tape, all time-major with padded units: h (steps + 1), two steps of c and the slopes of a state
// along the one before (GRU: 1, LSTM: 2 a step); and those along the gates.
template <class T>
long kept_size(const Shape& s) {
    const long slopes = s.cell == LSTM ? 2 : s.cell == GRU ? 1 : 0;
    return s.batch * (s.steps + 1 + (s.cell == LSTM ? 2 : 0) + slopes * s.steps) * padded<T>(s.units);
}

template <class T>
long gates_size(const Shape& s) {
    return s.batch * s.steps * (s.cell == ELMAN ? 1 : 4) * padded<T>(s.units);
}

}  // namespace recurra
