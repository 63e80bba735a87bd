// tanh and the logistic function of a vector. A NaN comes through.
#pragma once

#include "simd.hpp"

namespace recurra::RECURRA_TARGET {

// A quotient of polynomials in x, a few units in the last place: the constants of Eigen, which XLA uses as well.
INLINE V<float> tanh(V<float> x) {
    x = clamp<float>(x, -7.90531110763549805f, 7.90531110763549805f);
    V<float> y = x * x, p = all(-2.76076847742355e-16f), q = all(1.19825839466702e-06f);
    p = p * y + all(2.00018790482477e-13f);
    p = p * y + all(-8.60467152213735e-11f);
    p = p * y + all(5.12229709037114e-08f);
    p = p * y + all(1.48572235717979e-05f);
    p = p * y + all(6.37261928875436e-04f);
    p = p * y + all(4.89352455891786e-03f);
    q = q * y + all(1.18534705686654e-04f);
    q = q * y + all(2.26843463243900e-03f);
    q = q * y + all(4.89352518554385e-03f);
    return x * p / q;
}

INLINE V<float> logistic(V<float> x) {
    return all(0.5f) + all(0.5f) * tanh(all(0.5f) * x);
}

// exp(x) = 2^n exp(r), |r| <= ln(2) / 2, and the Taylor series of exp(r) to its 13th power.
INLINE V<double> exp(V<double> x) {
    typedef long long Bits __attribute__((vector_size(RECURRA_WIDTH)));
    x = clamp<double>(x, -708.0, 708.0);
    const double shift = 6755399441055744.0;  // 1.5 * 2^52: what is added to it is rounded to a whole number
    V<double> shifted = x * all(1.4426950408889634) + all(shift);
    V<double> n = shifted - all(shift);
    V<double> r = x - n * all(6.93147180369123816490e-01) - n * all(1.90821492927058770002e-10);
    V<double> p = all(1.0 / 6227020800.0);
    constexpr double inverse[] = {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
                                  1.0 / 5040.0,      1.0 / 720.0,      1.0 / 120.0,     1.0 / 24.0,     1.0 / 6.0,
                                  0.5,               1.0,              1.0};
    for (double c : inverse) p = p * r + all(c);
    Bits exponent = ((Bits)shifted << 52) + (Bits)p;  // a NaN stays one: the low bits of `shifted` are zero then
    V<double> scaled = (V<double>)exponent;
    return x == x ? scaled : x;
}

// Below 0.625 the quotient of polynomials of the Cephes library, beyond it 1 - 2 / (exp(2 |x|) + 1).
INLINE V<double> tanh(V<double> x) {
    V<double> size = x < all(0.0) ? -x : x, z = x * x;
    V<double> e = exp(all(2.0) * clamp<double>(size, 0.0, 20.0));
    V<double> p = (all(-9.64399179425052238628e-1) * z + all(-9.92877231001918586564e1)) * z +
                  all(-1.61468768441708447952e3);
    V<double> q = ((z + all(1.12811678491632931402e2)) * z + all(2.23548839060100448583e3)) * z +
                  all(4.84406305325125486048e3);
    auto near = size < all(0.625);
    V<double> ratio = (near ? z * p : all(2.0)) / (near ? q : e + all(1.0));
    V<double> far = all(1.0) - ratio;
    return near ? x + x * ratio : (x < all(0.0) ? -far : far);
}

INLINE V<double> logistic(V<double> x) {
    return all(1.0) / (all(1.0) + exp(-x));
}

}  // namespace recurra::RECURRA_TARGET
