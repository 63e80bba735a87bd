// One step of each cell, forward, backward and its tangent; every row of units is padded with zeros to whole vectors.
//
// The gates of a step lie side by side: Elman (a), LSTM (i, f, g, o), GRU (z, r, s, n) with s = W_n h + d_n.
// The forward step opens the gates and moves the state. Where a tape is kept, it replaces what was summed up for each gate
// by the slope of the state along it: LSTM, dc/di, dc/df, dc/dg and dh/do, beside them dc'/dc (`keep`) and dh/dc (`shown`);
// GRU, dh/dz, dh/dr, dh/ds and dh/dn, beside them dh'/dh (`keep`). So the passes that follow, of which there may be many,
// are products and sums: the backward step writes the gradients of what was summed up, in panels; the tangent step takes
// the tangent `a` of it, and turns the tangents of the state before into those of the state after.
#pragma once

#include "functions.hpp"
#include "product.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

template <class T>
struct Tape;

// The weights of a layer, or a tangent of them: null for zeros.
template <class T>
struct Parts {
    const T *U, *W, *b, *d;
};

// What the vanilla network and LSTM share: all gates are sums of a part of x and a part of h.
template <class T>
struct Plain {
    static void pack_forward(const Shape& s, const Parts<T>& p, long H, T* bias, T* U, T* W) {
        const long groups = gates(s.cell);
        for (long k = 0; p.b && k < groups; k++) __builtin_memcpy(bias + k * H, p.b + k * s.units, sizeof(T) * s.units);
        if (p.U) pack_transposed(p.U, groups, s.units, H, s.inputs, s.inputs, U);
        if (p.W) pack_transposed(p.W, groups, s.units, H, s.units, s.units, W);
    }
    template <int N>
    static void products(long count, const Factors<T> (&x)[N], const Factors<T> (&h)[N], const T* bias, long, T* gates,
                         long G, Ahead* ahead) {
        const Joined<T, N> both(x, h);
        product<T, 2 * N>(count, both.f, bias, 0, G / PANEL<T>, gates, G, ahead);
    }
    static void pack_backward(const Shape& s, const Gradient<T>& g, long H, T* W, T* U) {
        pack(g.W, gates(s.cell), s.units, H, s.units, s.units, W);
        if (U) pack(g.U, gates(s.cell), s.units, H, s.inputs, s.inputs, U);
    }
    static void to_state(long count, const Paneled<T>& gates, long G, const T* W, long H, T* dh) {
        const Factors<T> f[1] = {left(gates, 0, W, G)};
        product<T, 1>(count, f, nullptr, 0, H / PANEL<T>, dh, H);
    }
    static void to_input(long count, const Paneled<T>& gates, long G, const T* U, long, long X, T* dx) {
        const Factors<T> f[1] = {left(gates, 0, U, G)};
        product<T, 1>(count, f, nullptr, 0, X / PANEL<T>, dx, X);
    }
    static long of_state(long, long G) { return G; }

    template <class Job>
    static void deal_out(const Shape& s, const Gradient<T>& g, Job& job) {
        for (long gate = 0; gate < gates(s.cell); gate++)
            job.deal_out(gate * job.tape.H, gate * s.units, true, true, g.db);
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
    static void backward(const Shape& s, const Tape<const T>& tape, long t, long b, const Paneled<T>& a, T* dh, T*) {
        const T* h = tape.h_at(t + 1, b);
        for (long j = 0; j < tape.H; j += L<T>) {
            store(a.at(j), load(dh + j) * slope(s.squash, load(h + j)));
            store(dh + j, V<T>{});
        }
    }
    static void tangent(const Shape& s, const Tape<const T>& tape, long t, long b, const T* a, T* dh, T*) {
        const T* h = tape.h_at(t + 1, b);
        for (long j = 0; j < tape.H; j += L<T>) store(dh + j, load(a + j) * slope(s.squash, load(h + j)));
    }
};

template <class T>
struct LstmKind : Plain<T> {
    static void forward(const Shape&, const Tape<T>& tape, long t, long b) {
        const long H = tape.H;
        const V<T> one = all(T(1));
        T *q = tape.gates_at(t, b), *keeps = tape.keep_at(t, b), *shown = tape.shown_at(t, b);
        const T* before = tape.c_at(t, b);
        T *c = tape.c_at(t + 1, b), *h = tape.h_at(t + 1, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> write = logistic(load(q + j)), keep = logistic(load(q + H + j)), past = load(before + j);
            V<T> g = tanh(load(q + 2 * H + j)), read = logistic(load(q + 3 * H + j));
            V<T> now = keep * past + write * g, squashed = tanh(now);
            store(c + j, now);
            store(h + j, read * squashed);
            if (!tape.whole) continue;
            store(q + j, g * write * (one - write));
            store(q + H + j, past * keep * (one - keep));
            store(q + 2 * H + j, write * (one - g * g));
            store(q + 3 * H + j, squashed * read * (one - read));
            store(keeps + j, keep);
            store(shown + j, read * (one - squashed * squashed));
        }
    }
    static void backward(const Shape&, const Tape<const T>& tape, long t, long b, const Paneled<T>& a, T* dh, T* dc) {
        const long H = tape.H;
        const T *q = tape.gates_at(t, b), *keep = tape.keep_at(t, b), *shown = tape.shown_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> d = load(dh + j), c = load(dc + j) + d * load(shown + j);
            for (long gate = 0; gate < 3 * H; gate += H) store(a.at(gate + j), c * load(q + gate + j));
            store(a.at(3 * H + j), d * load(q + 3 * H + j));
            store(dc + j, c * load(keep + j));
            store(dh + j, V<T>{});
        }
    }
    static void tangent(const Shape&, const Tape<const T>& tape, long t, long b, const T* a, T* dh, T* dc) {
        const long H = tape.H;
        const T *q = tape.gates_at(t, b), *keep = tape.keep_at(t, b), *shown = tape.shown_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> c = load(keep + j) * load(dc + j);
            for (long gate = 0; gate < 3 * H; gate += H) c += load(q + gate + j) * load(a + gate + j);
            store(dc + j, c);
            store(dh + j, load(shown + j) * c + load(q + 3 * H + j) * load(a + 3 * H + j));
        }
    }
};

template <class T>
struct GruKind {
    static void pack_forward(const Shape& s, const Parts<T>& p, long H, T* bias, T* U, T* W) {
        const long n = s.units;
        for (long j = 0; j < n; j++) {
            const T b[3] = {p.b ? p.b[j] : T(0), p.b ? p.b[n + j] : T(0), p.b ? p.b[2 * n + j] : T(0)};
            const T d[3] = {p.d ? p.d[j] : T(0), p.d ? p.d[n + j] : T(0), p.d ? p.d[2 * n + j] : T(0)};
            bias[j] = b[0] + d[0];
            bias[H + j] = b[1] + d[1];
            bias[2 * H + j] = d[2];
            bias[3 * H + j] = b[2];
        }
        if (p.U) {
            pack_transposed(p.U, 2, n, H, s.inputs, s.inputs, U);
            pack_transposed(p.U + 2 * n * s.inputs, 1, n, H, s.inputs, s.inputs, U + 3 * H * s.inputs);
        }
        if (p.W) pack_transposed(p.W, 3, n, H, n, n, W);
    }
    template <int N>
    static void products(long count, const Factors<T> (&x)[N], const Factors<T> (&h)[N], const T* bias, long panels,
                         T* gates, long G, Ahead* ahead) {
        const Joined<T, N> both(x, h);
        product<T, 2 * N>(count, both.f, bias, 0, 2 * panels, gates, G, ahead);
        product<T, N>(count, h, bias, 2 * panels, 3 * panels, gates, G);
        product<T, N>(count, x, bias, 3 * panels, 4 * panels, gates, G);
    }
    static void forward(const Shape&, const Tape<T>& tape, long t, long b) {
        const long H = tape.H;
        const V<T> one = all(T(1));
        T *q = tape.gates_at(t, b), *keep = tape.keep_at(t, b), *h = tape.h_at(t + 1, b);
        const T* before = tape.h_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> z = logistic(load(q + j)), r = logistic(load(q + H + j)), s = load(q + 2 * H + j);
            V<T> n = tanh(load(q + 3 * H + j) + r * s), past = load(before + j);
            store(h + j, n + z * (past - n));
            if (!tape.whole) continue;
            V<T> dn = (one - z) * (one - n * n);
            store(q + j, (past - n) * z * (one - z));
            store(q + H + j, dn * s * r * (one - r));
            store(q + 2 * H + j, dn * r);
            store(q + 3 * H + j, dn);
            store(keep + j, z);
        }
    }
    static void backward(const Shape&, const Tape<const T>& tape, long t, long b, const Paneled<T>& a, T* dh, T*) {
        const long H = tape.H;
        const T *q = tape.gates_at(t, b), *keep = tape.keep_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> d = load(dh + j);
            for (long gate = 0; gate < 4 * H; gate += H) store(a.at(gate + j), d * load(q + gate + j));
            store(dh + j, d * load(keep + j));
        }
    }
    static void tangent(const Shape&, const Tape<const T>& tape, long t, long b, const T* a, T* dh, T*) {
        const long H = tape.H;
        const T *q = tape.gates_at(t, b), *keep = tape.keep_at(t, b);
        for (long j = 0; j < H; j += L<T>) {
            V<T> d = load(keep + j) * load(dh + j);
            for (long gate = 0; gate < 4 * H; gate += H) d += load(q + gate + j) * load(a + gate + j);
            store(dh + j, d);
        }
    }
    static void pack_backward(const Shape& s, const Gradient<T>& g, long H, T* W, T* U) {
        pack(g.W, 3, s.units, H, s.units, s.units, W);
        if (!U) return;
        const long X = padded<T>(s.inputs);
        pack(g.U, 2, s.units, H, s.inputs, s.inputs, U);
        pack(g.U + 2 * s.units * s.inputs, 1, s.units, H, s.inputs, s.inputs, U + 2 * H * X);
    }
    static void to_state(long count, const Paneled<T>& gates, long, const T* W, long H, T* dh) {
        const Factors<T> f[1] = {left(gates, 0, W, 3 * H)};
        product<T, 1>(count, f, nullptr, 0, H / PANEL<T>, dh, H);
    }
    static void to_input(long count, const Paneled<T>& gates, long, const T* U, long H, long X, T* dx) {
        const Factors<T> f[2] = {left(gates, 0, U, 2 * H), left(gates, 3 * H, U + 2 * H * X, H)};
        product<T, 2>(count, f, nullptr, 0, X / PANEL<T>, dx, X);
    }
    // The gradient of n meets x and the bias alone.
    static long of_state(long H, long) { return 3 * H; }

    template <class Job>
    static void deal_out(const Shape& s, const Gradient<T>& g, Job& job) {
        const long n = s.units, H = job.tape.H;
        job.deal_out(0, 0, true, true, g.db);
        job.deal_out(H, n, true, true, g.db);
        copy(g.dd, g.db, 2 * n);
        job.deal_out(2 * H, 2 * n, true, false, g.dd);
        job.deal_out(3 * H, 2 * n, false, true, g.db);
    }
};

}  // namespace recurra::RECURRA_TARGET
