// Scratch memory of a thread, kept between calls as long as it is small.
#pragma once

#include <cstdlib>
#include <new>

namespace recurra {

class Scratch {
  public:
    ~Scratch() { std::free(memory_); }
    Scratch() = default;
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    // At least `count` numbers at a multiple of 64 bytes.
    template <class T>
    T* get(long count) {
        const std::size_t bytes = (std::size_t(count) * sizeof(T) + 63) / 64 * 64;
        if (bytes > bytes_ || bytes_ > KEPT) {
            std::free(memory_);
            memory_ = std::aligned_alloc(64, bytes ? bytes : 64);
            bytes_ = memory_ ? bytes : 0;
            if (!memory_) throw std::bad_alloc();
        }
        return static_cast<T*>(memory_);
    }

  private:
    static constexpr std::size_t KEPT = 64 << 20;
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
};

inline thread_local Scratch scratch;

}  // namespace recurra
