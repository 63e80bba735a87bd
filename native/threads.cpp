#include "threads.hpp"

#include <system_error>
#include <thread>
#include <vector>

namespace recurra {

namespace {

struct Shared {
    long chunks;
    void (*work)(void*, long);
    void* context;
    std::atomic<long> next{0}, done{0};

    void help() {
        for (long chunk; (chunk = next.fetch_add(1)) < chunks;) {
            work(context, chunk);
            done.fetch_add(1, std::memory_order_release);
        }
    }
};

void run_on_own(const Workers& self, long chunks, void (*work)(void*, long), void* context) {
    std::vector<std::thread> threads;
    const long helpers = (chunks < self.threads ? chunks : self.threads) - 1;
    share(chunks, work, context, helpers, [&](std::function<void()> helper) {
        try {
            threads.emplace_back(std::move(helper));
        } catch (const std::system_error&) {
            // no thread is to be had: its share is done by those that are there
        }
    });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

void share(long chunks, void (*work)(void*, long), void* context, long helpers, const Schedule& schedule) {
    if (chunks == 1) return work(context, 0);
    // A helper that begins too late finds nothing left; what it looks at lives as long as it does.
    auto shared = std::make_shared<Shared>();
    shared->chunks = chunks;
    shared->work = work;
    shared->context = context;
    for (long k = 0; k < helpers; k++) schedule([shared] { shared->help(); });
    shared->help();
    while (shared->done.load(std::memory_order_acquire) < chunks) std::this_thread::yield();
}

Workers own_threads(int count) { return {count < 1 ? 1 : count, 2e7, run_on_own, nullptr}; }

}  // namespace recurra
