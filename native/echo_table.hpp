// What the kernels of echo state networks are called with.
#pragma once

namespace recurra {

struct Workers;

// Where the columns of W come from: a list; the row and a few shifts, modulo the units; all of them in their order.
enum Wiring { SPARSE, SHIFTS, DENSE };

// Rows of W lie in slices of 64 bytes, entry by entry: the layout does not depend on the instruction set.
template <class T>
constexpr long SLICE = 64 / long(sizeof(T));

// A reservoir over a batch of sequences, and what its readout makes of the states. Everything is in C order, and
// `padded` stands for units rounded up to whole slices.
template <class T>
struct Echo {
    int wiring;
    long units, inputs;
    double leak;
    const T* values;     // (entries of all slices, SLICE); zeros fill up the shorter rows of a slice
    const int* columns;  // SPARSE: of each value, `padded` for those zeros; SHIFTS: the shifts
    const int* starts;   // first entry of each slice, and the end
    const T *W_in, *b;   // (inputs, padded), (padded,)

    long sets, channels, lags;  // the batch is as many equal parts as there are sets of coefficients
    bool increment, squared;
    double bound;           // of the output that is fed back
    const double* readout;  // (sets, channels, 1 + lags inputs + padded): constant, inputs, h; and padded for h^2 if squared

    long batch, steps;
    const T* h0;              // (batch, units)
    const double* recent0;    // (batch, (lags - 1) inputs): the inputs before, the latest first
    const double* x;          // (batch, steps, inputs), unless the output is fed back:
    const double *last, *drive;  // (batch, channels), or null; (batch, steps, inputs - channels)
    T *hs, *hT;               // (batch, steps, units) or null, (batch, units)
    double *recentT, *ys;     // as recent0; (batch, steps, channels), or null
};

// Several of them, of the same number of steps and sequences, at once.
template <class T>
struct EchoFunctions {
    void (*run)(const Echo<T>* echoes, long count, const Workers& workers, double* scratch);
    long (*scratch_size)(const Echo<T>* echoes, long count, int threads);  // numbers
};

}  // namespace recurra
