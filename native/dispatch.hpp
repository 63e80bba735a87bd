// The kernels that suit this processor.
#pragma once

#include "table.hpp"

namespace recurra {

// Those of this name, or null where they were not built or cannot run here.
const Kernels* kernels_named(const char* isa);

// Those in use: the widest that run here, until others are chosen.
const Kernels& kernels();
void use(const Kernels& chosen);

// Their layers in one precision.
template <class T>
const Functions<T>& functions() {
    if constexpr (sizeof(T) == 4)
        return kernels().f32;
    else
        return kernels().f64;
}

// The names of all that were built, up to a null.
const char* const* built();

}  // namespace recurra
