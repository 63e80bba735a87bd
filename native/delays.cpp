// The kernels of maps on delayed rows for one instruction set, as target.cpp.
#include "delays.hpp"

#include "delays_functions.hpp"
#include "recurrent.hpp"

namespace recurra::RECURRA_TARGET {

constexpr int MOST = 4;  // vectors of sequences side by side

// How the sequences that share coefficients are cut into blocks: the same on any number of threads.
struct DelayCut {
    long sequences, blocks;  // of each set

    explicit DelayCut(const Delays& d) {
        sequences = d.batch / d.sets;
        blocks = (sequences + MOST * L<double> - 1) / (MOST * L<double>);
    }
};

template <int K>
static void delay_block(const Delays& d, long first, long count, const double* coefficients, double* scratch) {
    if constexpr (K > 1)
        if (count <= (K - 1) * L<double>) return delay_block<K - 1>(d, first, count, coefficients, scratch);
    DelayLoop<K>(d, first, count, scratch).run(coefficients);
}

struct DelayJob {
    const Delays& d;
    DelayCut cut;
    long chunks;
    double* scratch;
    long own;  // scratch of each chunk

    void run(long chunk) {
        const long total = d.sets * cut.blocks, end = total * (chunk + 1) / chunks;
        for (long block = total * chunk / chunks; block < end; block++) {
            const long set = block / cut.blocks, part = block % cut.blocks;
            const long first = cut.sequences * part / cut.blocks, next = cut.sequences * (part + 1) / cut.blocks;
            const double* coefficients = d.coefficients + set * d.channels * (1 + d.size);
            delay_block<MOST>(d, set * cut.sequences + first, next - first, coefficients, scratch + chunk * own);
        }
    }
    static void work(void* self, long chunk) { static_cast<DelayJob*>(self)->run(chunk); }
};

static long delay_own(const Delays& d) { return round_up(DelayLoop<MOST>::size(d), 8); }

void run_delays(const Delays& d, const Workers& workers, double* scratch) {
    const DelayCut cut(d);
    const double each = d.basis == POLYNOMIALS ? 2 : 2 * d.lags * d.features + 40;  // an exponential is about 40
    const double operations = double(d.batch) * d.steps * d.size * (each + 2 * d.channels);
    DelayJob job{d, cut, threads_for(workers, operations, d.sets * cut.blocks), scratch, delay_own(d)};
    workers.run(workers, job.chunks, job.work, &job);
}

long delay_scratch(const Delays& d, int threads) { return threads * delay_own(d); }

}  // namespace recurra::RECURRA_TARGET
