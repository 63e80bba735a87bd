// The tangent of a layer over a batch of sequences, along one of its inputs, its state before and its weights.
#pragma once

#include "recurrent.hpp"

namespace recurra::RECURRA_TARGET {

constexpr long ROWS_AT_ONCE = 64;  // of the batch, at most

template <class T, class Kind>
struct Along {
    const Shape& s;
    const Tangent<T>& d;
    Tape<const T> tape;
    T *dh = nullptr, *dc = nullptr, *a = nullptr;  // one step
    T *bias = nullptr, *U = nullptr, *W = nullptr, *dU = nullptr, *dW = nullptr, *no_bias = nullptr;
    long chunks = 1;

    void prepare(Arena<T>& arena) {
        const long H = tape.H, G = tape.G;
        dh = arena.take(s.batch * H);
        dc = arena.take(s.cell == LSTM ? s.batch * H : 0);
        a = arena.take(s.batch * G);
        bias = arena.take(G);
        no_bias = arena.take(G);
        U = arena.take(d.dx ? G * s.inputs : 0);
        W = arena.take(G * s.units);
        dU = arena.take(d.dU ? G * s.inputs : 0);
        dW = arena.take(d.dW ? G * s.units : 0);
        clear(bias, G);
        Kind::pack_forward(s, {d.dx ? d.U : nullptr, d.W, nullptr, nullptr}, H, no_bias, U, W);
        Kind::pack_forward(s, {d.dU, d.dW, d.db, d.dd}, H, bias, dU, dW);
    }

    static long scratch(const Shape& s) {
        const long H = padded<T>(s.units);
        return s.batch * 6 * H + 8 * H * (1 + s.inputs + s.units) + 512;
    }

    void start(long b) {
        clear(dh + b * tape.H, tape.H);
        if (d.dh0) copy(dh + b * tape.H, d.dh0 + b * s.units, s.units);
        if (s.cell != LSTM) return;
        clear(dc + b * tape.H, tape.H);
        if (d.dc0) copy(dc + b * tape.H, d.dc0 + b * s.units, s.units);
    }

    // What is summed up at a step: dU x + U dx, dW h + W dh and the tangent of the bias; no rows of what is zero.
    void products(long t, long first, long count) {
        const long row = (first * s.steps + t) * s.inputs, apart = s.steps * s.inputs, H = tape.H;
        const Factors<T> x[2] = {{d.x + row, apart, 1, dU, d.dU ? s.inputs : 0},
                                 {d.dx ? d.dx + row : d.x, apart, 1, U, d.dx ? s.inputs : 0}};
        const Factors<T> h[2] = {{tape.h_at(t, first), H, 1, dW, d.dW ? s.units : 0},
                                 {dh + first * H, H, 1, W, t > 0 || d.dh0 ? s.units : 0}};
        Ahead next = tape.step(t, first, count);
        Kind::products(count, x, h, bias, H / PANEL<T>, a + first * tape.G, tape.G, &next);
    }

    void sweep(long chunk) {
        const long first = s.batch * chunk / chunks, last = s.batch * (chunk + 1) / chunks, H = tape.H;
        for (long b = first; b < last; b++) start(b);
        for (long t = 0; t < s.steps; t++) {
            products(t, first, last - first);
            for (long b = first; b < last; b++) {
                if (!d.present || d.present[b * s.steps + t])
                    Kind::tangent(s, tape, t, b, a + b * tape.G, dh + b * H, dc + b * H);
                if (d.dhs) copy(d.dhs + (b * s.steps + t) * s.units, dh + b * H, s.units);
            }
        }
        for (long b = first; b < last; b++) {
            if (d.dhT) copy(d.dhT + b * s.units, dh + b * H, s.units);
            if (d.dcT) copy(d.dcT + b * s.units, dc + b * H, s.units);
        }
    }

    static void work(void* self, long chunk) { static_cast<Along*>(self)->sweep(chunk); }
};

template <class T, class Kind>
static void tangent(const Shape& s, const Tangent<T>& d, const Workers& workers, T* scratch) {
    Arena<T> arena{scratch};
    Along<T, Kind> job{s, d, Tape<const T>(s, d.kept, true, d.gates, true)};
    job.prepare(arena);
    const Workers some = workers_for(workers, 2 * operations(s), s.batch / 4);
    // parts that stay in the caches, equally many for every thread
    job.chunks = some.threads * ((s.batch + some.threads * ROWS_AT_ONCE - 1) / (some.threads * ROWS_AT_ONCE));
    some.run(some, job.chunks, job.work, &job);
}

}  // namespace recurra::RECURRA_TARGET
