// The limits of this machine: multiply-adds a second for each instruction set, and bandwidth for each level of memory.
// Prints one JSON object. Instruction sets that the processor lacks are left out.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

static double now() {
    using clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

// Seconds of `work` run by all threads at once, the best of `rounds`.
template <class Work> static double best_of(int threads, int rounds, Work work) {
    std::barrier<> gate(threads);
    std::vector<double> seconds(rounds);
    std::vector<std::thread> pool;
    for (int id = 0; id < threads; id++)
        pool.emplace_back([&, id] {
            for (int round = 0; round < rounds; round++) {
                gate.arrive_and_wait();
                double start = now();
                work(id);
                gate.arrive_and_wait();
                if (id == 0) seconds[round] = now() - start;
            }
        });
    for (auto &thread : pool) thread.join();
    return *std::min_element(seconds.begin(), seconds.end());
}

#if defined(__x86_64__)
#include <immintrin.h>

constexpr long FMA_TURNS = 4'000'000;

// Twelve independent chains hide the latency of a multiply-add; `asm volatile` keeps the compiler from removing them.
#define ONE(OP, I) asm volatile(OP " %1, %2, %0" : "+v"(sum##I) : "v"(factor), "v"(term));
#define CHAINS(NAME, TARGET, TYPE, SET, OP)                                                                    \
    __attribute__((target(TARGET), noinline)) static void NAME() {                                             \
        TYPE factor = SET(0.5f), term = SET(1e-9f), one = SET(1.0f);                                           \
        TYPE sum0 = one, sum1 = one, sum2 = one, sum3 = one, sum4 = one, sum5 = one;                           \
        TYPE sum6 = one, sum7 = one, sum8 = one, sum9 = one, sum10 = one, sum11 = one;                         \
        for (long turn = 0; turn < FMA_TURNS; turn++) {                                                        \
            ONE(OP, 0) ONE(OP, 1) ONE(OP, 2) ONE(OP, 3) ONE(OP, 4) ONE(OP, 5)                                  \
            ONE(OP, 6) ONE(OP, 7) ONE(OP, 8) ONE(OP, 9) ONE(OP, 10) ONE(OP, 11)                                \
        }                                                                                                      \
    }

CHAINS(fma_avx512, "avx512f", __m512, _mm512_set1_ps, "vfmadd231ps")
CHAINS(fma_avx2, "avx2,fma", __m256, _mm256_set1_ps, "vfmadd231ps")

static std::string peaks(int threads) {
    struct Set { const char *name; bool here; void (*run)(); int lanes; };
    const Set sets[] = {
        {"avx512", (bool)__builtin_cpu_supports("avx512f"), fma_avx512, 16},
        {"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), fma_avx2, 8},
    };
    std::string out;
    for (auto &set : sets) {
        if (!set.here) continue;
        double seconds = best_of(threads, 7, [&](int) { set.run(); });
        char text[80];
        snprintf(text, sizeof text, "%s\"%s\": %.2f", out.empty() ? "" : ", ", set.name,
                 FMA_TURNS * 12.0 * 2 * set.lanes * threads / seconds / 1e9);
        out += text;
    }
    return out;
}
#else
static std::string peaks(int) { return ""; }
#endif

// The dot product reads two arrays, the triad a = b + s c reads two and writes one. GCC's vector types keep the loops
// wide without flags for this very machine.
typedef double Vec __attribute__((vector_size(32)));

struct Bandwidth { double read, triad; };

#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default"), noinline))
#else
#define WIDE __attribute__((noinline))
#endif

WIDE static double dot(const Vec *a, const Vec *b, size_t n) {
    Vec s0{}, s1{}, s2{}, s3{};
    for (size_t i = 0; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    Vec s = (s0 + s1) + (s2 + s3);
    return s[0] + s[1] + s[2] + s[3];
}

WIDE static void triad(Vec *a, const Vec *b, const Vec *c, double s, size_t n) {
    for (size_t i = 0; i < n; i++) a[i] = b[i] + s * c[i];
}

// Bandwidth in GB/s of all threads together, each with three arrays of `kilobytes` in total.
static Bandwidth bandwidth(int threads, size_t kilobytes) {
    size_t n = kilobytes * 1024 / 3 / sizeof(Vec) / 4 * 4;
    long turns = std::max<long>(1, 200'000'000 / (long)(n * 3 * sizeof(Vec)));
    std::vector<Vec *> memory(threads);
    for (auto &block : memory) {
        block = static_cast<Vec *>(std::aligned_alloc(64, (3 * n * sizeof(Vec) + 63) / 64 * 64));
        if (!block) return {0, 0};
        for (size_t i = 0; i < 3 * n; i++) block[i] = Vec{1, 2, 3, 4};
    }
    std::vector<double> sums(threads * 8);
    double reading = best_of(threads, 5, [&](int id) {
        for (long turn = 0; turn < turns; turn++) {
            sums[8 * id] += dot(memory[id], memory[id] + n, n);
            asm volatile("" ::: "memory");
        }
    });
    double writing = best_of(threads, 5, [&](int id) {
        for (long turn = 0; turn < turns; turn++) {
            triad(memory[id], memory[id] + n, memory[id] + 2 * n, 1.0 + turn, n);
            asm volatile("" ::: "memory");
        }
    });
    for (auto block : memory) std::free(block);
    double bytes = (double)turns * n * sizeof(Vec) * threads / 1e9;
    return {2 * bytes / reading, 3 * bytes / writing};
}

int main(int count, char **arguments) {
    int most = count > 1 ? std::atoi(arguments[1]) : 1;
    long l1 = count > 2 ? std::atol(arguments[2]) : 32, l2 = count > 3 ? std::atol(arguments[3]) : 512;
    printf("{");
    for (int threads = 1; threads <= most; threads = threads == most ? most + 1 : most) {
        printf("%s\"%d\": {\"fma_float32_GFLOPs\": {%s}", threads == 1 ? "" : ", ", threads, peaks(threads).c_str());
        struct Level { const char *name; size_t kilobytes; };
        const Level levels[] = {{"L1", (size_t)l1 * 3 / 4}, {"L2", (size_t)l2 * 3 / 4}, {"memory", 256 * 1024}};
        for (auto &level : levels) {
            Bandwidth found = bandwidth(threads, level.kilobytes);
            printf(", \"%s_GBs\": {\"read\": %.2f, \"triad\": %.2f}", level.name, found.read, found.triad);
        }
        printf("}");
    }
    printf("}\n");
}
