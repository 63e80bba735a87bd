#include "dispatch.hpp"

#include <cstring>

namespace recurra {

namespace baseline {
extern const Kernels kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

namespace {

// The best last. The check of the processor includes that the operating system saves its registers.
const Kernels* runnable(const char* isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!std::strcmp(isa, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
                   ? &avx512::kernels
                   : nullptr;
    if (!std::strcmp(isa, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2::kernels : nullptr;
#endif
    return std::strcmp(isa, "baseline") ? nullptr : &baseline::kernels;
}

const Kernels* chosen = nullptr;

}  // namespace

const char* const* built() {
#if defined(__x86_64__)
    static const char* const names[] = {"baseline", "avx2", "avx512", nullptr};
#else
    static const char* const names[] = {"baseline", nullptr};
#endif
    return names;
}

const Kernels* kernels_named(const char* isa) { return runnable(isa); }

const Kernels& kernels() {
    if (!chosen)
        for (const char* const* name = built(); *name; name++)
            if (const Kernels* found = runnable(*name)) chosen = found;
    return *chosen;
}

void use(const Kernels& wanted) { chosen = &wanted; }

}  // namespace recurra
