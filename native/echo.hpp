// Steps of an echo state reservoir: of one sequence, or of several side by side in the lanes of vectors.
//
// Every unit is one sum in the order of its entries, whatever the way: b, then the inputs, then the states.
#pragma once

#include "echo_table.hpp"
#include "functions.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

template <class T>
constexpr int PER = SLICE<T> / L<T>;  // vectors of a slice

// The numbers h[at[0]], h[at[1]], ...: single loads, which beat the gathers of the processors measured.
INLINE V<float> gathered(const float* h, const int* at) {
    V<float> v;
    for (int l = 0; l < L<float>; l++) v[l] = h[at[l]];
    return v;
}

INLINE V<double> gathered(const double* h, const int* at) {
    V<double> v;
    for (int l = 0; l < L<double>; l++) v[l] = h[at[l]];
    return v;
}

// (1 - a) h + a tanh(sum); with a = 1 without h, which may be anything.
template <class T>
INLINE V<T> leaked(T leak, V<T> h, V<T> sum) {
    V<T> squashed = tanh(sum);
    return leak == 1 ? squashed : all<T>(1 - leak) * h + all(leak) * squashed;
}

// One sequence. `add` adds W h of `count` slices that follow each other; h of SHIFTS stands twice, end to end.
template <class T>
struct SparseRows {
    static constexpr int AT_ONCE = 1;
    template <int count>
    INLINE void add(const Echo<T>& e, long slice, const T* h, V<T>* sum) {
        for (long entry = e.starts[slice]; entry < e.starts[slice + 1]; entry++)
            for (int v = 0; v < PER<T>; v++) {
                const long at = entry * SLICE<T> + v * L<T>;
                sum[v] += load(e.values + at) * gathered(h, e.columns + at);
            }
    }
};

template <class T>
struct ShiftRows {
    static constexpr int AT_ONCE = 1;
    template <int count>
    INLINE void add(const Echo<T>& e, long slice, const T* h, V<T>* sum) {
        const long first = e.starts[slice], degree = e.starts[slice + 1] - first;
        const T *values = e.values + first * SLICE<T>, *from = h + slice * SLICE<T>;
        for (long j = 0; j < degree; j++)
            for (int v = 0; v < PER<T>; v++)
                sum[v] += load(values + j * SLICE<T> + v * L<T>) * load(from + e.columns[j] + v * L<T>);
    }
};

template <class T>
struct DenseRows {
    static constexpr int AT_ONCE = 8 / PER<T>;  // few sums alone would wait for each other
    template <int count>
    INLINE void add(const Echo<T>& e, long slice, const T* h, V<T>* sum) {
        const T* values = e.values + slice * e.units * SLICE<T>;
        for (long k = 0; k < e.units; k++) {
            const V<T> state = all(h[k]);
            for (int s = 0; s < count; s++)
                for (int v = 0; v < PER<T>; v++)
                    sum[s * PER<T> + v] += load(values + (s * e.units + k) * SLICE<T> + v * L<T>) * state;
        }
    }
};

template <class T, class Rows, int count>
INLINE void slices(const Echo<T>& e, long slice, long padded, const T* h, const T* x, T* next) {
    constexpr int vectors = count * PER<T>;
    const long first = slice * SLICE<T>;
    V<T> sum[vectors];
    for (int v = 0; v < vectors; v++) sum[v] = load(e.b + first + v * L<T>);
    for (long d = 0; d < e.inputs; d++)
        for (int v = 0; v < vectors; v++) sum[v] += load(e.W_in + d * padded + first + v * L<T>) * all(x[d]);
    Rows::template add<count>(e, slice, h, sum);
    for (int v = 0; v < vectors; v++) {
        const long at = first + v * L<T>;
        store(next + at, leaked<T>(T(e.leak), load(h + at), sum[v]));
    }
}

template <class T, class Rows>
static void advance_one(const Echo<T>& e, const T* h, const T* x, T* next) {
    const long padded = recurra::padded<T>(e.units), count = padded / SLICE<T>;
    long slice = 0;
    for (; slice + Rows::AT_ONCE <= count; slice += Rows::AT_ONCE)
        slices<T, Rows, Rows::AT_ONCE>(e, slice, padded, h, x, next);
    for (; slice < count; slice++) slices<T, Rows, 1>(e, slice, padded, h, x, next);
}

INLINE V<double> widened(const double* from) { return load(from); }

INLINE V<double> widened(const float* from) {
    typedef float Half __attribute__((vector_size(RECURRA_WIDTH / 2)));
    Half half;
    __builtin_memcpy(&half, from, sizeof half);
    return __builtin_convertvector(half, V<double>);
}

// sum of A h, and of Q h^2 unless Q is null, in float64.
template <class T>
static double dot(const double* A, const double* Q, const T* h, long padded) {
    constexpr int SUMS_AT_ONCE = 4;
    constexpr long S = L<double>;
    V<double> sum[SUMS_AT_ONCE] = {};
    long i = 0;
    for (; i + SUMS_AT_ONCE * S <= padded; i += SUMS_AT_ONCE * S)
        for (int k = 0; k < SUMS_AT_ONCE; k++) {
            const V<double> state = widened(h + i + k * S);
            sum[k] += load(A + i + k * S) * state;
            if (Q) sum[k] += load(Q + i + k * S) * state * state;
        }
    for (; i < padded; i += S) {
        const V<double> state = widened(h + i);
        sum[0] += load(A + i) * state;
        if (Q) sum[0] += load(Q + i) * state * state;
    }
    const V<double> together = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    double found = 0;
    for (int l = 0; l < S; l++) found += together[l];
    return found;
}

template <class T>
struct OneSequence {
    static constexpr long WIDTH = 1;
    // Units of the state, and zeros behind them.
    static long height(const Echo<T>& e) { return 2 * padded<T>(e.units) + SLICE<T>; }

    static void advance(const Echo<T>& e, const T* h, const T* x, T* next) {
        if (e.wiring == DENSE) return advance_one<T, DenseRows<T>>(e, h, x, next);
        if (e.wiring == SPARSE) return advance_one<T, SparseRows<T>>(e, h, x, next);
        advance_one<T, ShiftRows<T>>(e, h, x, next);
        twice(e, next);
    }
    static void twice(const Echo<T>& e, T* h) {
        if (e.wiring == SHIFTS) __builtin_memcpy(h + e.units, h, sizeof(T) * e.units);
    }
    static void read(const Echo<T>& e, const double* coefficients, const double* seen, const T* h, double* y) {
        const long taps = e.lags * e.inputs, padded = recurra::padded<T>(e.units);
        const long width = 1 + taps + (e.squared ? 2 : 1) * padded;
        for (long c = 0; c < e.channels; c++) {
            const double *V = coefficients + c * width, *A = V + 1 + taps;
            double sum = V[0];
            for (long k = 0; k < taps; k++) sum += V[1 + k] * seen[k];
            y[c] = sum + dot(A, e.squared ? A + padded : nullptr, h, padded);
        }
    }
};

// K vectors of sequences: h[unit][lane].
template <class T, int K>
struct Lanes {
    static constexpr long WIDTH = K * L<T>;
    static constexpr int WIDE = WIDTH / L<double>;
    static constexpr int AT_ONCE = K > 3 ? 2 : 4;  // rows of a dense W

    static long height(const Echo<T>& e) { return padded<T>(e.units) + 1; }
    static void twice(const Echo<T>&, T*) {}

    INLINE void start(const Echo<T>& e, long padded, long i, const T* x, V<T>* sum) {
        for (int v = 0; v < K; v++) sum[v] = all(e.b[i]);
        for (long d = 0; d < e.inputs; d++) {
            const V<T> weight = all(e.W_in[d * padded + i]);
            for (int v = 0; v < K; v++) sum[v] += weight * load(x + d * WIDTH + v * L<T>);
        }
    }
    INLINE void finish(const Echo<T>& e, long i, const T* h, const V<T>* sum, T* next) {
        for (int v = 0; v < K; v++) {
            const long at = i * WIDTH + v * L<T>;
            store(next + at, leaked<T>(T(e.leak), load(h + at), sum[v]));
        }
    }
    // A row of W that is sparse or of shifts.
    INLINE void add(const Echo<T>& e, long i, const T* h, V<T>* sum) {
        const long slice = i / SLICE<T>, row = i % SLICE<T>, first = e.starts[slice];
        for (long entry = first; entry < e.starts[slice + 1]; entry++) {
            const long at = entry * SLICE<T> + row;
            long column = e.wiring == SPARSE ? e.columns[at] : i + e.columns[entry - first];
            if (e.wiring == SHIFTS && column >= e.units) column -= e.units;
            const V<T> weight = all(e.values[at]);
            for (int v = 0; v < K; v++) sum[v] += weight * load(h + column * WIDTH + v * L<T>);
        }
    }
    static void advance_dense(const Echo<T>& e, const T* h, const T* x, T* next) {
        const long padded = recurra::padded<T>(e.units);
        for (long i = 0; i < padded; i += AT_ONCE) {
            const T* values = e.values + i / SLICE<T> * e.units * SLICE<T> + i % SLICE<T>;
            V<T> sum[AT_ONCE][K];
            for (int row = 0; row < AT_ONCE; row++) start(e, padded, i + row, x, sum[row]);
            for (long k = 0; k < e.units; k++)
                for (int row = 0; row < AT_ONCE; row++) {
                    const V<T> weight = all(values[k * SLICE<T> + row]);
                    for (int v = 0; v < K; v++) sum[row][v] += weight * load(h + k * WIDTH + v * L<T>);
                }
            for (int row = 0; row < AT_ONCE; row++) finish(e, i + row, h, sum[row], next);
        }
    }
    static void advance(const Echo<T>& e, const T* h, const T* x, T* next) {
        if (e.wiring == DENSE) return advance_dense(e, h, x, next);
        const long padded = recurra::padded<T>(e.units);
        for (long i = 0; i < e.units; i++) {
            V<T> sum[K];
            start(e, padded, i, x, sum);
            add(e, i, h, sum);
            finish(e, i, h, sum, next);
        }
    }
    static void read(const Echo<T>& e, const double* coefficients, const double* seen, const T* h, double* y) {
        const long taps = e.lags * e.inputs, padded = recurra::padded<T>(e.units);
        const long width = 1 + taps + (e.squared ? 2 : 1) * padded;
        for (long c = 0; c < e.channels; c++) {
            const double *from = coefficients + c * width, *A = from + 1 + taps, *Q = A + padded;
            V<double> sum[WIDE];
            for (int v = 0; v < WIDE; v++) sum[v] = all(from[0]);
            for (long k = 0; k < taps; k++)
                for (int v = 0; v < WIDE; v++) sum[v] += all(from[1 + k]) * load(seen + k * WIDTH + v * L<double>);
            for (long i = 0; i < e.units; i++)
                for (int v = 0; v < WIDE; v++) {
                    const V<double> state = widened(h + i * WIDTH + v * L<double>);
                    sum[v] += all(A[i]) * state;
                    if (e.squared) sum[v] += all(Q[i]) * state * state;
                }
            for (int v = 0; v < WIDE; v++) store(y + c * WIDTH + v * L<double>, sum[v]);
        }
    }
};

// `count` sequences from `first` on, side by side. Everything in the scratch memory is [row][lane].
template <class T, class Kind>
struct EchoLoop {
    static constexpr long W = Kind::WIDTH;
    const Echo<T>& e;
    long first, count;
    T *h, *next, *x;
    double *seen, *y;

    // In numbers of 8 bytes; every part begins at a multiple of 64.
    static long rows(const Echo<T>& e) { return round_up(Kind::height(e) * W, SLICE<T>); }
    static long wide(const Echo<T>& e) { return round_up((e.lags > 1 ? e.lags : 1) * e.inputs * W, 8); }
    static long size(const Echo<T>& e) {
        const long narrow = 2 * rows(e) + round_up(e.inputs * W, SLICE<T>);
        return wide(e) + round_up(e.channels * W, 8) + narrow * long(sizeof(T)) / 8;
    }

    EchoLoop(const Echo<T>& e, long first, long count, double* memory) : e(e), first(first), count(count) {
        seen = memory;
        y = seen + wide(e);
        h = reinterpret_cast<T*>(y + round_up(e.channels * W, 8));
        next = h + rows(e);
        x = next + rows(e);
        __builtin_memset(memory, 0, sizeof(double) * size(e));
    }

    void begin() {
        const long kept = e.lags > 1 ? (e.lags - 1) * e.inputs : 0;
        for (long lane = 0; lane < count; lane++) {
            for (long i = 0; i < e.units; i++) h[i * W + lane] = e.h0[(first + lane) * e.units + i];
            for (long k = 0; k < kept; k++) seen[k * W + lane] = e.recent0[(first + lane) * kept + k];
            for (long c = 0; c < e.channels && e.last; c++) y[c * W + lane] = e.last[(first + lane) * e.channels + c];
        }
        Kind::twice(e, h);
    }

    // The inputs of a step move to the front of what the readout sees.
    void see(long t) {
        const long D = e.inputs;
        for (long k = (e.lags - 1) * D * W - 1; k >= 0; k--) seen[D * W + k] = seen[k];
        if (!e.last) {
            for (long lane = 0; lane < count; lane++)
                for (long d = 0; d < D; d++) seen[d * W + lane] = e.x[((first + lane) * e.steps + t) * D + d];
        } else {
            const long C = e.channels, U = D - C;
            __builtin_memcpy(seen, y, sizeof(double) * C * W);
            for (long lane = 0; lane < count; lane++)
                for (long d = 0; d < U; d++)
                    seen[(C + d) * W + lane] = e.drive[((first + lane) * e.steps + t) * U + d];
        }
        for (long k = 0; k < D * W; k++) x[k] = T(seen[k]);
    }

    void answer(long t, const double* coefficients) {
        Kind::read(e, coefficients, seen, h, y);
        for (long k = 0; k < e.channels * W; k++) {
            if (e.increment) y[k] += seen[k];
            if (e.last) y[k] = y[k] > e.bound ? e.bound : y[k] < -e.bound ? -e.bound : y[k];  // a NaN is neither
        }
        for (long lane = 0; lane < count; lane++)
            for (long c = 0; c < e.channels; c++)
                e.ys[((first + lane) * e.steps + t) * e.channels + c] = y[c * W + lane];
    }

    void keep(T* to, long apart) const {
        for (long lane = 0; lane < count; lane++)
            if (W == 1)
                __builtin_memcpy(to, h, sizeof(T) * e.units);
            else
                for (long i = 0; i < e.units; i++) to[lane * apart + i] = h[i * W + lane];
    }

    void run(const double* coefficients) {
        begin();
        for (long t = 0; t < e.steps; t++) {
            see(t);
            Kind::advance(e, h, x, next);
            T* before = h;
            h = next;
            next = before;
            if (e.ys) answer(t, coefficients);
            if (e.hs) keep(e.hs + (first * e.steps + t) * e.units, e.steps * e.units);
        }
        keep(e.hT + first * e.units, e.units);
        const long kept = e.lags > 1 ? (e.lags - 1) * e.inputs : 0;
        for (long lane = 0; lane < count; lane++)
            for (long k = 0; k < kept; k++) e.recentT[(first + lane) * kept + k] = seen[k * W + lane];
    }
};

}  // namespace recurra::RECURRA_TARGET
