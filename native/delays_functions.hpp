// The kernels of maps on delayed rows of one target.
#pragma once

#include "delays_table.hpp"
#include "simd.hpp"
#include "table.hpp"

namespace recurra::RECURRA_TARGET {

void run_delays(const Delays& d, const Workers& workers, double* scratch);

long delay_scratch(const Delays& d, int threads);

}  // namespace recurra::RECURRA_TARGET
