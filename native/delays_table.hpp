// What the kernels of maps on delayed rows are called with.
#pragma once

namespace recurra {

struct Workers;

// Functions of a delay vector: of its distances from centres, or products of Chebyshev polynomials of its variables.
enum Basis { GAUSSIAN, MATERN, POLYNOMIALS };

// Closed loops y' = c + V phi(z) (+ y) of a batch. Everything is float64, in C order; variables = lags features.
struct Delays {
    int basis;
    long size, features, lags, stride;
    const double *shift, *scale;  // (variables,): z = (x - shift) / scale
    double factor;                // centres: of |z|^2; polynomials: w^2 in T_k = 2 z T_{k-1} - w^2 T_{k-2}
    const double* centres;        // (size, variables + 1): what z is multiplied by, and the constant of f |z - c|^2
    long degree;
    const int *earlier, *last;  // polynomials: each is an earlier one, the constant being number 0, times T_k of a
                                // variable, number k variables + variable

    long sets, channels;  // the batch is as many equal parts as there are sets of coefficients
    const double* coefficients;  // (sets, channels, 1 + size)
    bool increment;
    double bound;  // of what is fed back

    long batch, steps;
    const double* state;          // (batch, (lags - 1) stride, features), the oldest row first
    const double *start, *drive;  // (batch, channels), (batch, steps, features - channels)
    double* ys;                   // (batch, steps, channels)
};

struct DelayFunctions {
    void (*run)(const Delays&, const Workers& workers, double* scratch);
    long (*scratch_size)(const Delays&, int threads);  // numbers
};

}  // namespace recurra
