// The kernels of echo state networks for one instruction set, as target.cpp.
#include "echo.hpp"

#include "echo_functions.hpp"
#include "recurrent.hpp"

namespace recurra::RECURRA_TARGET {

constexpr int MOST = 4;  // vectors of sequences side by side

// How the sequences that share coefficients are cut into blocks: the same on any number of threads.
template <class T>
struct Cut {
    long sequences, blocks;  // of each set

    explicit Cut(const Echo<T>& e) {
        sequences = e.batch / e.sets;
        const bool few = sequences == 1 || 4 * sequences < L<T>;
        blocks = few ? sequences : (sequences + MOST * L<T> - 1) / (MOST * L<T>);
    }
    long largest() const { return (sequences + blocks - 1) / blocks; }
    long total(const Echo<T>& e) const { return e.sets * blocks; }
};

template <class T, int K>
static long side_by_side_size(const Echo<T>& e, long count) {
    if constexpr (K > 1)
        if (count <= (K - 1) * L<T>) return side_by_side_size<T, K - 1>(e, count);
    return EchoLoop<T, Lanes<T, K>>::size(e);
}

template <class T, int K>
static void side_by_side(const Echo<T>& e, long first, long count, const double* coefficients, double* scratch) {
    if constexpr (K > 1)
        if (count <= (K - 1) * L<T>) return side_by_side<T, K - 1>(e, first, count, coefficients, scratch);
    EchoLoop<T, Lanes<T, K>>(e, first, count, scratch).run(coefficients);
}

template <class T>
static void run_block(const Echo<T>& e, long block, double* scratch) {
    const Cut<T> cut(e);
    const long set = block / cut.blocks, part = block % cut.blocks;
    const long first = cut.sequences * part / cut.blocks, count = cut.sequences * (part + 1) / cut.blocks - first;
    const long width = 1 + e.lags * e.inputs + (e.squared ? 2 : 1) * padded<T>(e.units);
    const double* coefficients = e.readout + set * e.channels * width;
    const long begin = set * cut.sequences + first;
    if (cut.blocks == cut.sequences)
        EchoLoop<T, OneSequence<T>>(e, begin, count, scratch).run(coefficients);
    else
        side_by_side<T, MOST>(e, begin, count, coefficients, scratch);
}

template <class T>
struct EchoJob {
    const Echo<T>* echoes;
    long count, blocks, chunks;  // blocks of all
    double* scratch;
    long own;  // scratch of each chunk

    static long own_size(const Echo<T>* echoes, long count) {
        long most = 0;
        for (long k = 0; k < count; k++) {
            const Cut<T> cut(echoes[k]);
            const long size = cut.blocks == cut.sequences ? EchoLoop<T, OneSequence<T>>::size(echoes[k])
                                                          : side_by_side_size<T, MOST>(echoes[k], cut.largest());
            most = size > most ? size : most;
        }
        return round_up(most, 8);
    }
    void run(long chunk) {
        long block = blocks * chunk / chunks;
        const long end = blocks * (chunk + 1) / chunks;
        for (long k = 0, first = 0; k < count && block < end; k++) {
            const long there = Cut<T>(echoes[k]).total(echoes[k]);
            for (; block < end && block < first + there; block++) run_block(echoes[k], block - first, scratch + chunk * own);
            first += there;
        }
    }
    static void work(void* self, long chunk) { static_cast<EchoJob*>(self)->run(chunk); }
};

template <class T>
void run_echoes(const Echo<T>* echoes, long count, const Workers& workers, double* scratch) {
    EchoJob<T> job{echoes, count, 0, 1, scratch, EchoJob<T>::own_size(echoes, count)};
    double operations = 0;
    for (long k = 0; k < count; k++) {
        const Echo<T>& e = echoes[k];
        const long slices = padded<T>(e.units) / SLICE<T>;
        job.blocks += Cut<T>(e).total(e);
        operations += 2.0 * e.batch * e.steps * (e.starts[slices] * SLICE<T> + e.units * (e.inputs + e.channels + 10));
    }
    job.chunks = threads_for(workers, operations, job.blocks);
    workers.run(workers, job.chunks, job.work, &job);
}

template <class T>
long echo_scratch(const Echo<T>* echoes, long count, int threads) {
    return threads * EchoJob<T>::own_size(echoes, count);
}

template void run_echoes<float>(const Echo<float>*, long, const Workers&, double*);
template void run_echoes<double>(const Echo<double>*, long, const Workers&, double*);
template long echo_scratch<float>(const Echo<float>*, long, int);
template long echo_scratch<double>(const Echo<double>*, long, int);

}  // namespace recurra::RECURRA_TARGET
