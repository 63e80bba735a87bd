// The kernels of echo state networks of one target.
#pragma once

#include "echo_table.hpp"
#include "simd.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

template <class T>
void run_echoes(const Echo<T>* echoes, long count, const Workers& workers, double* scratch);

template <class T>
long echo_scratch(const Echo<T>* echoes, long count, int threads);

}  // namespace recurra::RECURRA_TARGET
