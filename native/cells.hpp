// One step of each cell, forward and backward; every row of units is padded with zeros to whole vectors.
//
// The gates of a step lie side by side: Elman (a), LSTM (i, f, g, o), GRU (z, r, s, n) with s = W_n h + d_n.
// The forward step replaces what was summed up by the opened gates, the backward step these by their gradients; in the
// GRU, s by that of s, which is r times that of n.
#pragma once

#include "functions.hpp"
#include "product.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

constexpr long STRIP_LEAST = 8 * ROWS;  // columns of the gates that are worth a thread

template <class T>
struct Tape;

template <class T>
static void pack_plain(const Shape& s, const T* const (&from)[3], long H, T* bias, T* U, T* W) {
    const long groups = gates(s.cell);
    for (long k = 0; k < groups; k++) __builtin_memcpy(bias + k * H, from[2] + k * s.units, sizeof(T) * s.units);
    pack_transposed(from[0], groups, s.units, H, s.inputs, s.inputs, U);
    pack_transposed(from[1], groups, s.units, H, s.units, s.units, W);
}

// What the vanilla network and LSTM share: all gates are sums of a part of x and a part of h.
template <class T>
struct Plain {
    static void pack_forward(const Shape& s, const Run<T>& run, long H, T* bias, T* U, T* W) {
        pack_plain<T>(s, {run.U, run.W, run.b}, H, bias, U, W);
    }
    static void products(long count, const Factors<T>& x, const Factors<T>& h, const T* bias, long, T* gates, long G) {
        const Factors<T> both[2] = {x, h};
        product<T, 2>(count, both, bias, 0, G / PANEL<T>, gates, G);
    }
    static void pack_backward(const Shape& s, const Gradient<T>& g, long H, T* W, T* U) {
        pack(g.W, gates(s.cell), s.units, H, s.units, s.units, W);
        if (U) pack(g.U, gates(s.cell), s.units, H, s.inputs, s.inputs, U);
    }
    static void to_state(long count, const T* gates, long G, const T* W, long H, T* dh) {
        const Factors<T> f[1] = {{gates, G, 1, W, G}};
        product<T, 1>(count, f, nullptr, 0, H / PANEL<T>, dh, H);
    }
    static void to_input(long count, const T* gates, long G, const T* U, long, long X, T* dx) {
        const Factors<T> f[1] = {{gates, G, 1, U, G}};
        product<T, 1>(count, f, nullptr, 0, X / PANEL<T>, dx, X);
    }
    static long first_column(long, long) { return 0; }

    template <class Job>
    static void deal_out(const Shape& s, const Gradient<T>& g, Job& job) {
        for (long gate = 0; gate < gates(s.cell); gate++)
            for (long j = 0; j < s.units; j++)
                job.deal_out(gate * job.tape.H + j, gate * s.units + j, true, true, g.db);
    }
};

template <class T>
struct ElmanKind : Plain<T> {
    INLINE V<T> squash(int kind, V<T> a) {
        switch (kind) {
            case RELU: return a < all(T(0)) ? V<T>{} : a;
            case IDENTITY: return a;
            case LOGISTIC: return logistic(a);
            default: return tanh(a);
        }
    }
    // of h = squash(a)
    INLINE V<T> slope(int kind, V<T> h) {
        switch (kind) {
            case RELU: return h > all(T(0)) ? all(T(1)) : V<T>{};
            case IDENTITY: return all(T(1));
            case LOGISTIC: return h * (all(T(1)) - h);
            default: return all(T(1)) - h * h;
        }
    }
    static void forward(const Shape& s, const Tape<T>& tape, long t, long b) {
        const T* a = tape.gates_at(t, b);
        T* h = tape.h_at(t + 1, b);
        for (long j = 0; j < tape.H; j += L<T>) store(h + j, squash(s.squash, load(a + j)));
    }
    static void backward(const Shape& s, const Tape<T>& tape, long t, long b, T* dh, T*) {
        const T* h = tape.h_at(t + 1, b);
        T* a = tape.gates_at(t, b);
        for (long j = 0; j < tape.H; j += L<T>) {
            store(a + j, load(dh + j) * slope(s.squash, load(h + j)));
            store(dh + j, V<T>{});
        }
    }
};

template <class T>
struct LstmKind : Plain<T> {
    static void forward(const Shape&, const Tape<T>& tape, long t, long b) {
        const long H = tape.H;
        T *q = tape.gates_at(t, b), *tanh_c = tape.tanh_c_at(t, b);
        const T* before = tape.c_at(t, b);
        T *c = tape.c_at(t + 1, b), *h = tape.h_at(t + 1, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> write = logistic(load(q + j)), keep = logistic(load(q + H + j));
            V<T> g = tanh(load(q + 2 * H + j)), read = logistic(load(q + 3 * H + j));
            V<T> now = keep * load(before + j) + write * g, squashed = tanh(now);
            store(q + j, write);
            store(q + H + j, keep);
            store(q + 2 * H + j, g);
            store(q + 3 * H + j, read);
            store(c + j, now);
            store(tanh_c + j, squashed);
            store(h + j, read * squashed);
        }
    }
    static void backward(const Shape&, const Tape<T>& tape, long t, long b, T* dh, T* dc) {
        const long H = tape.H;
        const V<T> one = all(T(1));
        T* q = tape.gates_at(t, b);
        const T *tanh_c = tape.tanh_c_at(t, b), *before = tape.c_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> write = load(q + j), keep = load(q + H + j), g = load(q + 2 * H + j), read = load(q + 3 * H + j);
            V<T> squashed = load(tanh_c + j), d = load(dh + j);
            V<T> c = load(dc + j) + d * read * (one - squashed * squashed);
            store(q + j, c * g * write * (one - write));
            store(q + H + j, c * load(before + j) * keep * (one - keep));
            store(q + 2 * H + j, c * write * (one - g * g));
            store(q + 3 * H + j, d * squashed * read * (one - read));
            store(dc + j, c * keep);
            store(dh + j, V<T>{});
        }
    }
};

template <class T>
struct GruKind {
    static void pack_forward(const Shape& s, const Run<T>& run, long H, T* bias, T* U, T* W) {
        const long n = s.units;
        for (long j = 0; j < n; j++) {
            bias[j] = run.b[j] + run.d[j];
            bias[H + j] = run.b[n + j] + run.d[n + j];
            bias[2 * H + j] = run.d[2 * n + j];
            bias[3 * H + j] = run.b[2 * n + j];
        }
        pack_transposed(run.U, 2, n, H, s.inputs, s.inputs, U);
        pack_transposed(run.U + 2 * n * s.inputs, 1, n, H, s.inputs, s.inputs, U + 3 * H * s.inputs);
        pack_transposed(run.W, 3, n, H, n, n, W);
    }
    static void products(long count, const Factors<T>& x, const Factors<T>& h, const T* bias, long panels, T* gates,
                         long G) {
        const Factors<T> both[2] = {x, h}, only_h[1] = {h}, only_x[1] = {x};
        product<T, 2>(count, both, bias, 0, 2 * panels, gates, G);
        product<T, 1>(count, only_h, bias, 2 * panels, 3 * panels, gates, G);
        product<T, 1>(count, only_x, bias, 3 * panels, 4 * panels, gates, G);
    }
    static void forward(const Shape&, const Tape<T>& tape, long t, long b) {
        const long H = tape.H;
        T *q = tape.gates_at(t, b), *h = tape.h_at(t + 1, b);
        const T* before = tape.h_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> z = logistic(load(q + j)), r = logistic(load(q + H + j)), s = load(q + 2 * H + j);
            V<T> n = tanh(load(q + 3 * H + j) + r * s);
            store(q + j, z);
            store(q + H + j, r);
            store(q + 3 * H + j, n);
            store(h + j, n + z * (load(before + j) - n));
        }
    }
    static void backward(const Shape&, const Tape<T>& tape, long t, long b, T* dh, T*) {
        const long H = tape.H;
        const V<T> one = all(T(1));
        T* q = tape.gates_at(t, b);
        const T* before = tape.h_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> z = load(q + j), r = load(q + H + j), s = load(q + 2 * H + j), n = load(q + 3 * H + j);
            V<T> d = load(dh + j), dn = d * (one - z) * (one - n * n);
            store(q + j, d * (load(before + j) - n) * z * (one - z));
            store(q + H + j, dn * s * r * (one - r));
            store(q + 2 * H + j, dn * r);
            store(q + 3 * H + j, dn);
            store(dh + j, d * z);
        }
    }
    static void pack_backward(const Shape& s, const Gradient<T>& g, long H, T* W, T* U) {
        pack(g.W, 3, s.units, H, s.units, s.units, W);
        if (!U) return;
        const long X = padded<T>(s.inputs);
        pack(g.U, 2, s.units, H, s.inputs, s.inputs, U);
        pack(g.U + 2 * s.units * s.inputs, 1, s.units, H, s.inputs, s.inputs, U + 2 * H * X);
    }
    static void to_state(long count, const T* gates, long G, const T* W, long H, T* dh) {
        const Factors<T> f[1] = {{gates, G, 1, W, 3 * H}};
        product<T, 1>(count, f, nullptr, 0, H / PANEL<T>, dh, H);
    }
    static void to_input(long count, const T* gates, long G, const T* U, long H, long X, T* dx) {
        const Factors<T> f[2] = {{gates, G, 1, U, 2 * H}, {gates + 3 * H, G, 1, U + 2 * H * X, H}};
        product<T, 2>(count, f, nullptr, 0, X / PANEL<T>, dx, X);
    }
    // The gradient of n meets x and the bias alone.
    static long first_column(long m, long H) { return m >= 3 * H ? H : 0; }

    template <class Job>
    static void deal_out(const Shape& s, const Gradient<T>& g, Job& job) {
        const long n = s.units, H = job.tape.H;
        for (long gate = 0; gate < 2; gate++)
            for (long j = 0; j < n; j++) {
                job.deal_out(gate * H + j, gate * n + j, true, true, g.db);
                g.dd[gate * n + j] = g.db[gate * n + j];
            }
        for (long j = 0; j < n; j++) {
            job.deal_out(2 * H + j, 2 * n + j, true, false, g.dd);
            job.deal_out(3 * H + j, 2 * n + j, false, true, g.db);
        }
    }
};

}  // namespace recurra::RECURRA_TARGET
