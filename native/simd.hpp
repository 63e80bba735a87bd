// Vectors of the width of the target, by the vector extensions of GCC and Clang.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

namespace recurra::RECURRA_TARGET {

template <class T>
struct Vector {
    static constexpr int lanes = RECURRA_WIDTH / sizeof(T);
    typedef T type __attribute__((vector_size(RECURRA_WIDTH)));
};

template <class T>
using V = typename Vector<T>::type;

template <class T>
constexpr int L = Vector<T>::lanes;

template <class T>
INLINE V<T> load(const T* from) {
    V<T> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
INLINE void store(T* to, V<T> v) {
    __builtin_memcpy(to, &v, sizeof v);
}

template <class T>
INLINE void copy(T* to, const T* from, long count) {
    if (count) __builtin_memcpy(to, from, sizeof(T) * count);  // of nothing there may be no pointer
}

template <class T>
INLINE void clear(T* to, long count) {
    if (count) __builtin_memset(to, 0, sizeof(T) * count);
}

template <class T>
INLINE V<T> all(T a) {
    return a - V<T>{};  // -0.0 - 0.0 keeps its sign
}

// The lesser and the greater of both; `x` where one of them is a NaN.
template <class T>
INLINE V<T> lesser(V<T> bound, V<T> x) {
    return bound < x ? bound : x;
}

template <class T>
INLINE V<T> greater(V<T> bound, V<T> x) {
    return bound > x ? bound : x;
}

// What these are on x86, in one instruction: compilers do not see it.
#if defined(__x86_64__)
#if RECURRA_WIDTH == 64
#define PACKED(name, kind) _mm512_##name##_p##kind
#define REGISTER(kind) __m512##kind
#elif RECURRA_WIDTH == 32
#define PACKED(name, kind) _mm256_##name##_p##kind
#define REGISTER(kind) __m256##kind
#else
#define PACKED(name, kind) _mm_##name##_p##kind
#define REGISTER(kind) __m128##kind
#endif
template <>
inline __attribute__((always_inline)) V<float> lesser<float>(V<float> bound, V<float> x) {
    return (V<float>)PACKED(min, s)((REGISTER())bound, (REGISTER())x);
}
template <>
inline __attribute__((always_inline)) V<float> greater<float>(V<float> bound, V<float> x) {
    return (V<float>)PACKED(max, s)((REGISTER())bound, (REGISTER())x);
}
template <>
inline __attribute__((always_inline)) V<double> lesser<double>(V<double> bound, V<double> x) {
    return (V<double>)PACKED(min, d)((REGISTER(d))bound, (REGISTER(d))x);
}
template <>
inline __attribute__((always_inline)) V<double> greater<double>(V<double> bound, V<double> x) {
    return (V<double>)PACKED(max, d)((REGISTER(d))bound, (REGISTER(d))x);
}
#endif

// A NaN in x comes through.
template <class T>
INLINE V<T> clamp(V<T> x, T low, T high) {
    return greater<T>(all<T>(low), lesser<T>(all<T>(high), x));
}

}  // namespace recurra::RECURRA_TARGET
