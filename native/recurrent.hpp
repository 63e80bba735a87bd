// A layer over a batch of sequences: what the vanilla network, GRU and LSTM share. The tape is time-major.
#pragma once

#include "cells.hpp"
#include "product.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

INLINE long threads_for(const Workers& workers, double operations, long pieces) {
    const long worth = long(operations / workers.enough), most = minimum(workers.threads, pieces);
    return worth < 1 || most < 1 ? 1 : minimum(worth, most);
}

INLINE double operations(const Shape& s) {
    return 2.0 * s.batch * s.steps * gates(s.cell) * s.units * (s.units + s.inputs);
}

// Takes pieces of the scratch memory in turn; all of them begin at multiples of 64 bytes if the scratch does.
template <class T>
struct Arena {
    T* at;
    T* take(long count) {
        T* piece = at;
        at += padded<T>(count);
        return piece;
    }
};

template <class T>
INLINE void copy(T* to, const T* from, long count) {
    __builtin_memcpy(to, from, sizeof(T) * count);
}

template <class T>
INLINE void clear(T* to, long count) {
    __builtin_memset(to, 0, sizeof(T) * count);
}

// Where the parts of a tape lie. What is not `whole` holds two steps of the states, and one of the gates. T may be const.
template <class T>
struct Tape {
    long B, H, G;
    bool whole, whole_gates;
    T *h, *c, *tanh_c, *gates;

    Tape(const Shape& s, T* kept, bool whole, T* gates, bool whole_gates)
        : B(s.batch), H(padded<T>(s.units)), G((s.cell == ELMAN ? 1 : 4) * H), whole(whole), whole_gates(whole_gates),
          h(kept), gates(gates) {
        const long steps = whole ? s.steps : 1;
        c = h + (steps + 1) * B * H;
        tanh_c = c + (steps + 1) * B * H;
    }
    static long short_kept(const Shape& s) { return s.batch * 5 * padded<T>(s.units); }
    static long short_gates(const Shape& s) { return s.batch * 4 * padded<T>(s.units); }
    T* h_at(long t, long b) const { return h + ((whole ? t : t % 2) * B + b) * H; }
    T* c_at(long t, long b) const { return c + ((whole ? t : t % 2) * B + b) * H; }
    T* gates_at(long t, long b) const { return gates + ((whole_gates ? t : 0) * B + b) * G; }
    T* tanh_c_at(long t, long b) const { return tanh_c + ((whole ? t : 0) * B + b) * H; }
};

template <class T, class Kind>
struct Forward {
    const Shape& s;
    const Run<T>& run;
    Tape<T> tape;
    T *bias = nullptr, *U = nullptr, *W = nullptr;
    long chunks = 1;

    void prepare(Arena<T>& arena) {
        const long H = tape.H, G = tape.G;
        bias = arena.take(G);
        U = arena.take(G * s.inputs);
        W = arena.take(G * s.units);
        clear(bias, G);
        Kind::pack_forward(s, {run.U, run.W, run.b, run.d}, H, bias, U, W);
    }

    static long scratch(const Shape& s) {
        return Tape<T>::short_kept(s) + Tape<T>::short_gates(s) + 4 * padded<T>(s.units) * (1 + s.inputs + s.units) + 256;
    }

    void start(long b) {
        T* h = tape.h_at(0, b);
        clear(h, tape.H);
        copy(h, run.h0 + b * s.units, s.units);
        if (s.cell != LSTM) return;
        T* c = tape.c_at(0, b);
        clear(c, tape.H);
        copy(c, run.c0 + b * s.units, s.units);
    }

    void sweep(long chunk) {
        const long first = s.batch * chunk / chunks, count = s.batch * (chunk + 1) / chunks - first;
        const long panels = tape.H / PANEL<T>;
        for (long b = first; b < first + count; b++) start(b);
        for (long t = 0; t < s.steps; t++) {
            const Factors<T> x[1] = {{run.x + (first * s.steps + t) * s.inputs, s.steps * s.inputs, 1, U, s.inputs}};
            const Factors<T> h[1] = {{tape.h_at(t, first), tape.H, 1, W, s.units}};
            T* gates = tape.gates_at(t, first);
            Kind::products(count, x, h, bias, panels, gates, tape.G);
            for (long b = first; b < first + count; b++) {
                if (run.present && !run.present[b * s.steps + t]) {
                    copy(tape.h_at(t + 1, b), tape.h_at(t, b), tape.H);
                    if (s.cell == LSTM) copy(tape.c_at(t + 1, b), tape.c_at(t, b), tape.H);
                } else {
                    Kind::forward(s, tape, t, b);
                }
                copy(run.hs + (b * s.steps + t) * s.units, tape.h_at(t + 1, b), s.units);
            }
        }
        for (long b = first; b < first + count; b++) {
            copy(run.hT + b * s.units, tape.h_at(s.steps, b), s.units);
            if (s.cell == LSTM) copy(run.cT + b * s.units, tape.c_at(s.steps, b), s.units);
        }
    }

    static void work(void* self, long chunk) { static_cast<Forward*>(self)->sweep(chunk); }
};

template <class T, class Kind>
static void forward(const Shape& s, const Run<T>& run, const Workers& workers, T* scratch) {
    Arena<T> arena{scratch};
    T* kept = run.kept ? run.kept : arena.take(Tape<T>::short_kept(s));
    T* gates = run.gates ? run.gates : arena.take(Tape<T>::short_gates(s));
    Forward<T, Kind> job{s, run, Tape<T>(s, kept, run.kept, gates, run.gates)};
    job.chunks = threads_for(workers, operations(s), s.batch / 4);
    job.prepare(arena);
    workers.run(workers, job.chunks, job.work, &job);
}

template <class T, class Kind>
struct Backward {
    static constexpr long DEPTH = 192;        // rows that a product over all rows takes at a time
    static constexpr long STRIP = 4 * ROWS;   // columns of the gates that are packed at a time

    const Shape& s;
    const Gradient<T>& g;
    Tape<const T> tape;
    T *dh = nullptr, *dc = nullptr, *U = nullptr, *W = nullptr, *dx = nullptr, *sums = nullptr, *zeros = nullptr;
    T* nothing = nullptr;  // a row of it
    T* own = nullptr;  // scratch of each chunk of the weights
    long chunks = 1, columns = 0;

    void prepare(Arena<T>& arena, long threads) {
        const long H = tape.H, G = tape.G;
        columns = H + padded<T>(s.inputs + 1);
        dh = arena.take(s.batch * H);
        dc = arena.take(s.cell == LSTM ? s.batch * H : 0);
        W = arena.take(gates(s.cell) * H * H);
        U = arena.take(g.dx ? gates(s.cell) * H * padded<T>(s.inputs) : 0);
        dx = arena.take(g.dx ? s.batch * padded<T>(s.inputs) : 0);
        sums = arena.take(G * columns);
        zeros = arena.take(columns);
        own = arena.take(threads * own_size());
        clear(zeros, columns);
        nothing = arena.take(g.dhs ? 0 : H);
        if (!g.dhs) clear(nothing, H);
        Kind::pack_backward(s, g, H, W, g.dx ? U : nullptr);
    }

    T* dgates_at(long t, long b) const { return g.dgates + (t * s.batch + b) * tape.G; }

    long own_size() const { return padded<T>(DEPTH * columns) + DEPTH * STRIP; }

    static long scratch(const Shape& s, long threads) {
        const long H = padded<T>(s.units), columns = H + padded<T>(s.inputs + 1);
        return (2 * s.batch + 1) * H + 4 * H * (H + padded<T>(s.inputs)) + s.batch * padded<T>(s.inputs) + (4 * H + 1) * columns +
               threads * (padded<T>(DEPTH * columns) + DEPTH * STRIP) + 1024;
    }

    void sweep(long chunk) {
        const long first = s.batch * chunk / chunks, last = s.batch * (chunk + 1) / chunks, H = tape.H;
        const long X = padded<T>(s.inputs);
        for (long b = first; b < last; b++) {
            clear(dh + b * H, H);
            if (g.dhT) copy(dh + b * H, g.dhT + b * s.units, s.units);
            if (s.cell != LSTM) continue;
            clear(dc + b * H, H);
            if (g.dcT) copy(dc + b * H, g.dcT + b * s.units, s.units);
        }
        for (long t = s.steps - 1; t >= 0; t--) {
            for (long b = first; b < last; b++) {
                const T* from = g.dhs ? g.dhs + (b * s.steps + t) * s.units : nothing;
                T* to = dh + b * H;
                for (long j = 0; j < s.units; j++) to[j] += from[j];
                if (g.present && !g.present[b * s.steps + t])
                    clear(dgates_at(t, b), tape.G);
                else
                    Kind::backward(s, tape, t, b, dgates_at(t, b), to, dc + b * H);
            }
            const T* gates = dgates_at(t, first);
            if (t > 0 || g.dh0)
                Kind::to_state(last - first, gates, tape.G, W, H, dh + first * H);
            if (!g.dx) continue;
            clear(dx + first * X, (last - first) * X);
            Kind::to_input(last - first, gates, tape.G, U, H, X, dx + first * X);
            for (long b = first; b < last; b++) copy(g.dx + (b * s.steps + t) * s.inputs, dx + b * X, s.inputs);
        }
        if (!g.dh0) return;
        for (long b = first; b < last; b++) {
            copy(g.dh0 + b * s.units, dh + b * H, s.units);
            if (s.cell == LSTM) copy(g.dc0 + b * s.units, dc + b * H, s.units);
        }
    }

    // [h(t-1), x(t), 1] of some rows, packed.
    void pack_rows(long first, long count, T* B) const {
        pack(tape.h + first * tape.H, 1, count, count, tape.H, tape.H, B);
        B += count * tape.H;
        const long X = columns - tape.H;
        for (long row = 0, t = first / s.batch, b = first % s.batch; row < count; row++) {
            const T* x = g.x + (b * s.steps + t) * s.inputs;
            for (long left = 0; left < X; left += PANEL<T>) {
                T* to = B + left * count + row * PANEL<T>;
                for (long j = 0; j < PANEL<T>; j++)
                    to[j] = left + j < s.inputs ? x[left + j] : left + j == s.inputs ? T(1) : T(0);
            }
            if (++b == s.batch) b = 0, t++;
        }
    }

    // Columns of the gates as the left factor of a product, `ROWS` side by side.
    static void pack_columns(const T* gates, long stride, long depth, long wide, T* A) {
        for (long i = 0; i < wide; i += ROWS, A += ROWS * depth) {
            const long m = minimum(ROWS, wide - i);
            if (m == ROWS)
                for (long k = 0; k < depth; k++) copy(A + k * ROWS, gates + k * stride + i, ROWS);
            else
                for (long k = 0; k < depth; k++) copy(A + k * ROWS, gates + k * stride + i, m);
        }
    }

    // sums[m] = sum over the rows of gates[row][m] [h, x, 1][row], for a part of the columns m of the gates.
    void weights(long chunk) {
        const long blocks = (tape.G + ROWS - 1) / ROWS, rows = s.batch * s.steps, G = tape.G;
        const long begin = blocks * chunk / chunks * ROWS, end = minimum(G, blocks * (chunk + 1) / chunks * ROWS);
        T *B = own + chunk * own_size(), *A = B + padded<T>(DEPTH * columns);
        for (long row = 0; row < rows; row += DEPTH) {
            const long depth = minimum(DEPTH, rows - row);
            pack_rows(row, depth, B);
            for (long strip = begin; strip < end; strip += STRIP) {
                const long wide = minimum(STRIP, end - strip);
                pack_columns(g.dgates + row * G + strip, G, depth, wide, A);
                for (long i = 0; i < wide; i += ROWS) {
                    const Factors<T> f[1] = {{A + i * depth, 1, ROWS, B, depth}};
                    const long m = strip + i, from = Kind::first_column(m, tape.H);
                    rows_of<T, 1>(int(minimum(ROWS, wide - i)), f, row ? nullptr : zeros, from / PANEL<T>,
                                  columns / PANEL<T>, sums + m * columns, columns);
                }
            }
        }
    }

    // Row `m` of the sums into row `row` of the gradients; null for what it does not belong to.
    void deal_out(long m, long row, bool to_W, bool to_U, T* bias) {
        const T *from = sums + m * columns, *x = from + tape.H;
        if (to_W) copy(g.dW + row * s.units, from, s.units);
        if (to_U) copy(g.dU + row * s.inputs, x, s.inputs);
        if (bias) bias[row] = x[s.inputs];
    }

    static void sweep_work(void* self, long chunk) { static_cast<Backward*>(self)->sweep(chunk); }
    static void weights_work(void* self, long chunk) { static_cast<Backward*>(self)->weights(chunk); }
};

template <class T, class Kind>
static void backward(const Shape& s, const Gradient<T>& g, const Workers& workers, T* scratch) {
    Arena<T> arena{scratch};
    Backward<T, Kind> job{s, g, Tape<const T>(s, g.kept, true, g.gates, true)};
    job.prepare(arena, workers.threads);
    job.chunks = threads_for(workers, operations(s), s.batch / 4);
    workers.run(workers, job.chunks, job.sweep_work, &job);
    if (!g.dW) return;
    job.chunks = threads_for(workers, operations(s), job.tape.G / STRIP_LEAST);
    workers.run(workers, job.chunks, job.weights_work, &job);
    Kind::deal_out(s, g, job);
}

}  // namespace recurra::RECURRA_TARGET
