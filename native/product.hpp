// Products of matrices whose right factor is packed into panels of `PANEL` columns.
//
// Every entry of a product is one sum over k in the order of k, whatever the shape of the tile that it is computed in:
// how rows are dealt out to threads does not change a bit.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

#if RECURRA_WIDTH == 64
constexpr int NV = 1;     // vectors in a row of a panel
constexpr int SUMS = 24;  // of 32 registers
#elif defined(__aarch64__)
constexpr int NV = 2;
constexpr int SUMS = 24;
#else
constexpr int NV = 2;
constexpr int SUMS = 12;  // of 16 registers
#endif
constexpr int ROWS = 6;  // of a tile, at most
template <class T>
constexpr int PANEL = NV * L<T>;

// Panels of a tile of M rows: few rows alone would wait for the latency of their sums.
constexpr int side_by_side(int M) { return SUMS / (M * NV) > 4 ? 4 : SUMS / (M * NV) > 1 ? SUMS / (M * NV) : 1; }

INLINE long minimum(long a, long b) { return a < b ? a : b; }

// `count` rows of A, `stride` apart (and their entries `step` apart), times a packed B of `k` rows. After every `run` of
// its entries a row of A goes on `apart` from where the run began.
template <class T>
struct Factors {
    const T* A;
    long stride, step;
    const T* B;
    long k;
    long run = k, apart = 0;
};

// A row of numbers in panels of a matrix, `apart` from panel to panel.
template <class T>
struct Paneled {
    T* first;
    long apart;
    T* at(long column) const { return first + column / PANEL<T> * apart + column % PANEL<T>; }
};

// Such rows, one after the other, as the left factor of a product over `k` of their columns.
template <class T>
INLINE Factors<T> left(const Paneled<T>& rows, long column, const T* B, long k) {
    return {rows.at(column), PANEL<T>, 1, B, k, PANEL<T>, rows.apart};
}

// Two lists of them, one after the other.
template <class T, int N>
struct Joined {
    Factors<T> f[2 * N];
    Joined(const Factors<T> (&first)[N], const Factors<T> (&then)[N]) {
        for (int k = 0; k < N; k++) f[k] = first[k], f[N + k] = then[k];
    }
};

template <class T, int M, int P>
INLINE void add_products(V<T> (&c)[M][P * NV], const Factors<T>& f, long panel) {
    const T *A = f.A, *B = f.B + panel * f.k * PANEL<T>;
    const long apart = f.k * PANEL<T>;
    for (long begin = 0; begin < f.k; begin += f.run, A += f.apart, B += f.run * PANEL<T>)
        for (long k = 0; k < f.run; k++) {
            V<T> b[P * NV];
            for (int p = 0; p < P; p++)
                for (int j = 0; j < NV; j++) b[p * NV + j] = load(B + p * apart + k * PANEL<T> + j * L<T>);
            for (int i = 0; i < M; i++) {
                V<T> a = all(A[i * f.stride + k * f.step]);
                for (int j = 0; j < P * NV; j++) c[i][j] += a * b[j];
            }
        }
}

// M rows of C and P panels of its columns: C = start + the sum of the products.
// `bias`: the start of every row, null for C itself.
template <class T, int M, int P, int TERMS>
INLINE void tile(const Factors<T>* f, const T* bias, long panel, T* C, long stride) {
    V<T> c[M][P * NV];
    const long first = panel * PANEL<T>;
    for (int i = 0; i < M; i++)
        for (int j = 0; j < P * NV; j++) c[i][j] = load((bias ? bias : C + i * stride) + first + j * L<T>);
    add_products<T, M, P>(c, f[0], panel);
    if constexpr (TERMS > 1) add_products<T, M, P>(c, f[1], panel);
    if constexpr (TERMS > 2) add_products<T, M, P>(c, f[2], panel);
    if constexpr (TERMS > 3) add_products<T, M, P>(c, f[3], panel);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < P * NV; j++) store(C + i * stride + first + j * L<T>, c[i][j]);
}

template <class T, int M, int TERMS>
static void rows(const Factors<T>* f, const T* bias, long first, long last, T* C, long stride) {
    constexpr int P = side_by_side(M);
    for (; first + P <= last; first += P) tile<T, M, P, TERMS>(f, bias, first, C, stride);
    if constexpr (P > 2)
        for (; first + 2 <= last; first += 2) tile<T, M, 2, TERMS>(f, bias, first, C, stride);
    if constexpr (P > 1)
        for (; first < last; first++) tile<T, M, 1, TERMS>(f, bias, first, C, stride);
}

template <class T, int TERMS, int M = ROWS>
static void rows_of(int m, const Factors<T>* f, const T* bias, long first, long last, T* C, long stride) {
    if (m == M) return rows<T, M, TERMS>(f, bias, first, last, C, stride);
    if constexpr (M > 1) rows_of<T, TERMS, M - 1>(m, f, bias, first, last, C, stride);
}

// Memory that is fetched into the second cache while a product is computed, a little before every tile (all of it where
// there is but one): whoever looks at it next does not wait.
struct Ahead {
    struct Part {
        const char* at;
        long lines;
    };
    Part parts[4];
    int count = 0;

    template <class T>
    void add(const T* from, long numbers) {
        if (from) parts[count++] = {reinterpret_cast<const char*>(from), numbers * long(sizeof(T)) / 64};
    }
    // The share of one of so many tiles that are left.
    void fetch(long tiles) {
        for (Part* part = parts; part < parts + count; part++)
            for (long some = (part->lines + tiles - 1) / tiles; some > 0; some--, part->lines--, part->at += 64)
                __builtin_prefetch(part->at, 0, 2);
    }
};

// C[0:count, panels first to last] = start + sum over the terms of A B.
template <class T, int TERMS>
static void product(long count, const Factors<T> (&f)[TERMS], const T* bias, long first, long last, T* C, long stride,
                    Ahead* ahead = nullptr) {
    if (count == 0 || first == last) return;
    const long blocks = (count + ROWS - 1) / ROWS, wide = count <= ROWS ? last - first : side_by_side(ROWS);
    long tiles = blocks * ((last - first + wide - 1) / wide);
    // Rows of blocks of almost equal height; a few panels stay in the first cache while all rows go by.
    for (long panel = first; panel < last;) {
        const long until = minimum(last, panel + wide);
        for (long block = 0; block < blocks; block++) {
            if (ahead) ahead->fetch(tiles--);
            const long row = count * block / blocks, m = count * (block + 1) / blocks - row;
            Factors<T> g[TERMS];
            for (int term = 0; term < TERMS; term++) {
                g[term] = f[term];
                g[term].A += row * f[term].stride;
            }
            rows_of<T, TERMS>(int(m), g, bias, panel, until, C + row * stride, stride);
        }
        panel = until;
    }
}

// B[k][n] = matrix[n][k] in panels. The columns stand in groups of `units`, padded to `padded` each.
template <class T>
static void pack_transposed(const T* matrix, long groups, long units, long padded, long k, long stride, T* B) {
    for (long n = 0; n < groups * padded; n++) {
        const long group = n / padded, unit = n % padded;
        T* to = B + n / PANEL<T> * PANEL<T> * k + n % PANEL<T>;
        const T* from = matrix + (group * units + unit) * stride;
        if (unit < units)
            for (long i = 0; i < k; i++) to[i * PANEL<T>] = from[i];
        else
            for (long i = 0; i < k; i++) to[i * PANEL<T>] = 0;
    }
}

// B[k][n] = matrix[k][n] in panels. The rows stand in groups of `units`, padded to `padded` each; the columns are padded
// to 64 bytes, and that may be several panels.
template <class T>
static void pack(const T* matrix, long groups, long units, long padded, long columns, long stride, T* B) {
    const long k = groups * padded;
    for (long first = 0; first < recurra::padded<T>(columns); first += PANEL<T>) {
        const long left = columns - first, width = left < 0 ? 0 : minimum(PANEL<T>, left);
        T* panel = B + first * k;
        for (long row = 0; row < k; row++) {
            T* to = panel + row * PANEL<T>;
            const long unit = row % padded, group = row / padded;
            const T* from = matrix + (group * units + unit) * stride + first;
            const long count = unit < units ? width : 0;
            for (long j = 0; j < count; j++) to[j] = from[j];
            for (long j = count; j < PANEL<T>; j++) to[j] = 0;
        }
    }
}

}  // namespace recurra::RECURRA_TARGET
