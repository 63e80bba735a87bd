// The gradient of a layer over a batch of sequences: the steps from the last to the first, and the sums over all of them
// that are the gradients of the weights.
#pragma once

#include "recurrent.hpp"

namespace recurra::RECURRA_TARGET {

constexpr long DEPTH = 192;  // rows of the gates that a product over rows takes at a time

// Parts of a batch that have sums of their own. How many there are hangs on the shape alone, and so do the sums.
INLINE long pieces_for(const Shape& s) {
    constexpr double ENOUGH = 4e6;  // operations
    const long most = minimum(16L, long(operations(s) / ENOUGH)), rows = s.batch < 32 ? 8 : 16;
    long pieces = 1;
    while (2 * pieces <= most && 2 * pieces * rows <= s.batch) pieces *= 2;
    return pieces;
}

template <class T, class Kind>
struct Backward {
    const Shape& s;
    const Gradient<T>& g;
    Tape<const T> tape;
    T *dh = nullptr, *dc = nullptr, *U = nullptr, *W = nullptr, *dx = nullptr, *nothing = nullptr, *own = nullptr;
    long pieces = pieces_for(s), most = (s.batch + pieces - 1) / pieces, deep = steps_at_once(s, most);
    long columns = s.units + s.inputs + 1;
    long chunks = 1, from = 0, until = 0;  // of the sums and the steps of a single piece

    // One more than would do: panels that lie a power of two apart would share a few lines of the first cache.
    static long steps_at_once(const Shape& s, long most) { return most ? minimum(s.steps, DEPTH / most + 1) : s.steps; }

    // What a piece has of its own: gradients of the gates in panels, [h, x, 1] of the same steps, and the sums, of which
    // there is a row for each entry of [h, x, 1] and a column for each of the gates.
    T* gates_of(long piece) const { return own + piece * own_size(); }
    T* inputs_of(long piece) const { return gates_of(piece) + most * deep * tape.G; }
    T* sums_of(long piece) const { return inputs_of(piece) + padded<T>(most * deep * round_up(columns, ROWS)); }
    long sums_size() const { return columns * tape.G; }
    long own_size() const { return most * deep * tape.G + padded<T>(most * deep * round_up(columns, ROWS)) + sums_size(); }

    void prepare(Arena<T>& arena) {
        const long H = tape.H;
        dh = arena.take(s.batch * H);
        dc = arena.take(s.cell == LSTM ? s.batch * H : 0);
        W = arena.take(gates(s.cell) * H * H);
        U = arena.take(g.dx ? gates(s.cell) * H * padded<T>(s.inputs) : 0);
        dx = arena.take(g.dx ? s.batch * padded<T>(s.inputs) : 0);
        nothing = arena.take(g.dhs ? 0 : H);
        if (!g.dhs) clear(nothing, H);
        own = arena.take(pieces * own_size());
        Kind::pack_backward(s, g, H, W, g.dx ? U : nullptr);
    }

    static long scratch(const Shape& s) {
        const long H = padded<T>(s.units), X = padded<T>(s.inputs), columns = s.units + s.inputs + 1;
        const long pieces = pieces_for(s), most = (s.batch + pieces - 1) / pieces, rows = most * steps_at_once(s, most);
        const long own = 4 * H * (rows + columns) + padded<T>(rows * round_up(columns, ROWS));
        return s.batch * (2 * H + X) + 4 * H * (H + X + 1) + pieces * own + 512;
    }

    long first_of(long piece) const { return s.batch * piece / pieces; }

    void start(long piece) {
        const long H = tape.H;
        clear(sums_of(piece), sums_size());
        for (long b = first_of(piece); b < first_of(piece + 1); b++) {
            clear(dh + b * H, H);
            if (g.dhT) copy(dh + b * H, g.dhT + b * s.units, s.units);
            if (s.cell != LSTM) continue;
            clear(dc + b * H, H);
            if (g.dcT) copy(dc + b * H, g.dcT + b * s.units, s.units);
        }
    }

    void finish(long piece) {
        if (!g.dh0) return;
        for (long b = first_of(piece); b < first_of(piece + 1); b++) {
            copy(g.dh0 + b * s.units, dh + b * tape.H, s.units);
            if (s.cell == LSTM) copy(g.dc0 + b * s.units, dc + b * tape.H, s.units);
        }
    }

    // The steps `until` - 1 to `from`, and what their gates are to be multiplied by.
    void sweep(long piece, long from, long until) {
        const long first = first_of(piece), count = first_of(piece + 1) - first, H = tape.H, rows = count * (until - from);
        for (long t = until - 1; t >= from; t--) {
            const Paneled<T> step{gates_of(piece) + (t - from) * count * PANEL<T>, rows * PANEL<T>};
            for (long b = first; b < first + count; b++) {
                const T* given = g.dhs ? g.dhs + (b * s.steps + t) * s.units : nothing;
                const Paneled<T> gates{step.first + (b - first) * PANEL<T>, step.apart};
                T* to = dh + b * H;
                for (long j = 0; j < s.units; j++) to[j] += given[j];
                if (g.present && !g.present[b * s.steps + t])
                    for (long m = 0; m < tape.G; m += PANEL<T>) clear(gates.at(m), PANEL<T>);
                else
                    Kind::backward(s, tape, t, b, gates, to, dc + b * H);
            }
            if (t > 0 || g.dh0) Kind::to_state(count, step, tape.G, W, H, dh + first * H);
            if (g.dx) to_inputs(t, first, count, step);
        }
        if (g.dW) pack_inputs(piece, from, until);
    }

    void to_inputs(long t, long first, long count, const Paneled<T>& gates) {
        const long X = padded<T>(s.inputs);
        clear(dx + first * X, count * X);
        Kind::to_input(count, gates, tape.G, U, tape.H, X, dx + first * X);
        for (long b = first; b < first + count; b++) copy(g.dx + (b * s.steps + t) * s.inputs, dx + b * X, s.inputs);
    }

    // [h(t-1), x(t), 1] of these steps, as the left factor of a product: `ROWS` of its entries side by side.
    void pack_inputs(long piece, long from, long until) {
        const long first = first_of(piece), last = first_of(piece + 1), rows = (last - first) * (until - from);
        const long whole = s.units / ROWS * ROWS;
        T* to = inputs_of(piece);
        for (long t = from; t < until; t++)
            for (long b = first; b < last; b++, to += ROWS) {
                const T *h = tape.h_at(t, b), *x = g.x + (b * s.steps + t) * s.inputs;
                for (long k = 0; k < whole; k += ROWS) copy(to + k * rows, h + k, ROWS);
                for (long k = whole; k < columns; k++) {
                    const T entry = k < s.units ? h[k] : k < columns - 1 ? x[k - s.units] : T(1);
                    to[k / ROWS * ROWS * rows + k % ROWS] = entry;
                }
            }
    }

    // Adds sum over the rows of [h, x, 1][row] gates[row][m], for some panels of the columns m of the gates.
    void add(long piece, long from, long until, long begin, long end) {
        const long rows = (first_of(piece + 1) - first_of(piece)) * (until - from);
        const long of_state = Kind::of_state(tape.H, tape.G), past_state = s.units / ROWS * ROWS;
        for (long panel = begin; panel < end; panel += 2)
            for (long k = panel * PANEL<T> < of_state ? 0 : past_state; k < columns; k += ROWS) {
                const Factors<T> f[1] = {{inputs_of(piece) + k * rows, 1, ROWS, gates_of(piece), rows}};
                rows_of<T, 1>(int(minimum(ROWS, columns - k)), f, nullptr, panel, minimum(end, panel + 2),
                              sums_of(piece) + k * tape.G, tape.G);
            }
    }

    void whole(long piece) {
        start(piece);
        for (long until = s.steps; until > 0; until -= deep) {
            const long from = until > deep ? until - deep : 0;
            sweep(piece, from, until);
            if (g.dW) add(piece, from, until, 0, tape.G / PANEL<T>);
        }
        finish(piece);
    }

    // The same for a single piece: its sums by all threads.
    void alone(const Workers& workers) {
        start(0);
        for (until = s.steps; until > 0; until = from) {
            from = until > deep ? until - deep : 0;
            sweep(0, from, until);
            if (!g.dW) continue;
            const double work = 2.0 * s.batch * (until - from) * sums_size();
            const Workers some = workers_for(workers, work, tape.G / (4 * PANEL<T>));
            chunks = some.threads;
            some.run(some, chunks, add_work, this);
        }
        finish(0);
    }

    // The sums of all pieces, in those of the first.
    void gather() {
        for (long piece = 1; piece < pieces; piece++) {
            T *to = sums_of(0), *from = sums_of(piece);
            for (long k = 0; k < sums_size(); k += L<T>) store(to + k, load(to + k) + load(from + k));
        }
    }

    // Columns `m` to `m` + units of the sums into as many rows of the gradients; null for what they do not belong to.
    void deal_out(long m, long row, bool to_W, bool to_U, T* bias) {
        const T *h = sums_of(0) + m, *x = h + s.units * tape.G, *one = x + s.inputs * tape.G;
        for (long k = 0; to_W && k < s.units; k++, h += tape.G)
            for (long j = 0; j < s.units; j++) g.dW[(row + j) * s.units + k] = h[j];
        for (long k = 0; to_U && k < s.inputs; k++, x += tape.G)
            for (long j = 0; j < s.units; j++) g.dU[(row + j) * s.inputs + k] = x[j];
        if (bias) copy(bias + row, one, s.units);
    }

    static void work(void* self, long piece) { static_cast<Backward*>(self)->whole(piece); }
    static void add_work(void* self, long chunk) {
        Backward& job = *static_cast<Backward*>(self);
        const long panels = job.tape.G / PANEL<T>;
        job.add(0, job.from, job.until, panels * chunk / job.chunks, panels * (chunk + 1) / job.chunks);
    }
};

template <class T, class Kind>
static void backward(const Shape& s, const Gradient<T>& g, const Workers& workers, T* scratch) {
    Arena<T> arena{scratch};
    Backward<T, Kind> job{s, g, Tape<const T>(s, g.kept, true, g.gates, true)};
    job.prepare(arena);
    if (job.pieces == 1) {
        job.alone(workers);
    } else {
        const Workers some = workers_for(workers, operations(s), job.pieces);
        some.run(some, job.pieces, job.work, &job);
    }
    if (!g.dW) return;
    job.gather();
    Kind::deal_out(s, g, job);
}

}  // namespace recurra::RECURRA_TARGET
