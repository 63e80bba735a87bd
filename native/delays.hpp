// Closed loops of maps on delayed rows, several sequences side by side in the lanes of vectors.
#pragma once

#include "delays_table.hpp"
#include "functions.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

using Double = V<double>;

INLINE Double root(Double x) {
    for (int l = 0; l < L<double>; l++) x[l] = __builtin_sqrt(x[l]);
    return x;
}

struct Gaussian {  // of -r^2 / 2
    INLINE Double of(Double x) { return exp(lesser<double>(all(0.0), x)); }
};

struct Matern {  // of 5 r^2
    INLINE Double of(Double x) {
        const Double squares = greater<double>(all(0.0), x), a = root(squares);
        return (all(1.0) + a + squares * all(1.0 / 3.0)) * exp(-a);
    }
};

// `count` sequences from `first` on, K vectors of them at most. Everything in the scratch memory is [row][lane].
template <int K>
struct DelayLoop {
    static constexpr long W = K * L<double>;
    const Delays& d;
    const long first, count, variables, order;
    double *rows, *z, *y, *powers, *found;

    static long order_of(const Delays& d) { return 1 + (d.lags - 1) * d.stride; }
    static long size(const Delays& d) {
        const long variables = d.lags * d.features;
        const long polynomials = d.basis == POLYNOMIALS ? (d.degree + 1) * variables + 1 + d.size : 0;
        return (order_of(d) * d.features + variables + d.channels + polynomials) * W;
    }

    DelayLoop(const Delays& d, long first, long count, double* memory)
        : d(d), first(first), count(count), variables(d.lags * d.features), order(order_of(d)) {
        rows = memory;
        z = rows + order * d.features * W;
        y = z + variables * W;
        powers = y + d.channels * W;
        found = powers + (d.degree + 1) * variables * W;
        __builtin_memset(memory, 0, sizeof(double) * size(d));
    }

    // The row before the first step is number order - 1 of a ring.
    void begin() {
        const long F = d.features, past = (order - 1) * F;
        for (long lane = 0; lane < count; lane++) {
            for (long k = 0; k < past; k++) rows[k * W + lane] = d.state[(first + lane) * past + k];
            for (long c = 0; c < d.channels; c++) y[c * W + lane] = d.start[(first + lane) * d.channels + c];
        }
        if (d.basis == POLYNOMIALS)
            for (long k = 0; k < variables * W; k++) powers[k] = 1.0;
        for (long lane = 0; lane < W && d.basis == POLYNOMIALS; lane++) found[lane] = 1.0;
    }

    // The row of a step joins the ring, and the delay vector is taken from it.
    void see(long t) {
        const long F = d.features, C = d.channels, U = F - C, at = (order - 1 + t) % order;
        double* row = rows + at * F * W;
        __builtin_memcpy(row, y, sizeof(double) * C * W);
        for (long lane = 0; lane < count; lane++)
            for (long k = 0; k < U; k++) row[(C + k) * W + lane] = d.drive[((first + lane) * d.steps + t) * U + k];
        for (long lag = 0; lag < d.lags; lag++) {
            const double* from = rows + (at + order - lag * d.stride) % order * F * W;
            for (long k = 0; k < F; k++) {
                const long i = lag * F + k;
                for (long lane = 0; lane < W; lane++) z[i * W + lane] = (from[k * W + lane] - d.shift[i]) / d.scale[i];
            }
        }
    }

    // Function number j of all lanes has these values.
    INLINE void add(DelayLoop& self, const double* coefficients, long j, const Double* value) {
        for (long c = 0; c < self.d.channels; c++) {
            const Double weight = all(coefficients[c * (1 + self.d.size) + 1 + j]);
            double* sum = self.y + c * W;
            for (int v = 0; v < K; v++) store(sum + v * L<double>, load(sum + v * L<double>) + weight * value[v]);
        }
    }

    template <class Kernel>
    void distances(const double* coefficients) {
        Double squares[K] = {};
        for (long i = 0; i < variables; i++)
            for (int v = 0; v < K; v++) {
                const Double x = load(z + i * W + v * L<double>);
                squares[v] += x * x;
            }
        for (long j = 0; j < d.size; j++) {
            const double* centre = d.centres + j * (variables + 1);
            Double sum[K];
            for (int v = 0; v < K; v++) sum[v] = all(centre[variables]) + all(d.factor) * squares[v];
            for (long i = 0; i < variables; i++)
                for (int v = 0; v < K; v++) sum[v] += all(centre[i]) * load(z + i * W + v * L<double>);
            for (int v = 0; v < K; v++) sum[v] = Kernel::of(sum[v]);
            add(*this, coefficients, j, sum);
        }
    }

    void polynomials(const double* coefficients) {
        const long step = variables * W;
        __builtin_memcpy(powers + step, z, sizeof(double) * step);
        for (long k = 2; k <= d.degree; k++) {
            double* next = powers + k * step;
            for (long i = 0; i < step; i++) next[i] = 2.0 * z[i] * next[i - step] - d.factor * next[i - 2 * step];
        }
        for (long j = 0; j < d.size; j++) {
            const double *before = found + d.earlier[j] * W, *power = powers + d.last[j] * W;
            Double value[K];
            for (int v = 0; v < K; v++) {
                value[v] = load(before + v * L<double>) * load(power + v * L<double>);
                store(found + (1 + j) * W + v * L<double>, value[v]);
            }
            add(*this, coefficients, j, value);
        }
    }

    void answer(long t, const double* coefficients) {
        const double* seen = rows + (order - 1 + t) % order * d.features * W;
        for (long c = 0; c < d.channels; c++)
            for (long lane = 0; lane < W; lane++) y[c * W + lane] = coefficients[c * (1 + d.size)];
        if (d.basis == GAUSSIAN) distances<Gaussian>(coefficients);
        if (d.basis == MATERN) distances<Matern>(coefficients);
        if (d.basis == POLYNOMIALS) polynomials(coefficients);
        for (long k = 0; k < d.channels * W; k++) {
            if (d.increment) y[k] += seen[k];
            y[k] = y[k] > d.bound ? d.bound : y[k] < -d.bound ? -d.bound : y[k];  // a NaN is neither
        }
        for (long lane = 0; lane < count; lane++)
            for (long c = 0; c < d.channels; c++)
                d.ys[((first + lane) * d.steps + t) * d.channels + c] = y[c * W + lane];
    }

    void run(const double* coefficients) {
        begin();
        for (long t = 0; t < d.steps; t++) {
            see(t);
            answer(t, coefficients);
        }
    }
};

}  // namespace recurra::RECURRA_TARGET
