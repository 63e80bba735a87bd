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

// As many of the threads as the work is worth.
INLINE Workers workers_for(const Workers& workers, double operations, long pieces) {
    Workers some = workers;
    some.threads = int(threads_for(workers, operations, pieces));
    return some;
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

// Where the parts of a tape lie. What is not `whole` holds two steps of h, one of the gates, and no slopes beside them; of c
// there are two steps in any case. T may be const.
template <class T>
struct Tape {
    long B, H, G;
    bool whole, whole_gates;
    T *h, *c, *keep, *shown, *gates;

    Tape(const Shape& s, T* kept, bool whole, T* gates, bool whole_gates)
        : B(s.batch), H(padded<T>(s.units)), G((s.cell == ELMAN ? 1 : 4) * H), whole(whole), whole_gates(whole_gates),
          h(kept), gates(gates) {
        c = h + ((whole ? s.steps : 1) + 1) * B * H;
        keep = whole && s.cell != ELMAN ? c + (s.cell == LSTM ? 2 * B * H : 0) : nullptr;
        shown = whole && s.cell == LSTM ? keep + s.steps * B * H : nullptr;
    }
    static long short_kept(const Shape& s) { return s.batch * 4 * padded<T>(s.units); }
    static long short_gates(const Shape& s) { return s.batch * 4 * padded<T>(s.units); }
    T* h_at(long t, long b) const { return h + ((whole ? t : t % 2) * B + b) * H; }
    T* c_at(long t, long b) const { return c + (t % 2 * B + b) * H; }
    T* gates_at(long t, long b) const { return gates + ((whole_gates ? t : 0) * B + b) * G; }
    T* keep_at(long t, long b) const { return keep ? keep + (t * B + b) * H : nullptr; }
    T* shown_at(long t, long b) const { return shown ? shown + (t * B + b) * H : nullptr; }
    // What is kept of a step of some rows: what its cell looks at, and the state after it, with which the next begins.
    Ahead step(long t, long first, long count) const {
        Ahead found;
        found.add(h_at(t + 1, first), count * H);
        if (!keep) return found;
        found.add(keep_at(t, first), count * H);
        found.add(shown_at(t, first), count * H);
        found.add(gates_at(t, first), count * G);
        return found;
    }
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
            Kind::products(count, x, h, bias, panels, gates, tape.G, nullptr);
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

}  // namespace recurra::RECURRA_TARGET
