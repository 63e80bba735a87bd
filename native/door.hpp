// Arrays of NumPy, as the doors of the kernels take them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// Null for an array without entries: what is not there.
template <class A>
auto data(const A& array) {
    return array.size() ? array.data() : nullptr;
}
