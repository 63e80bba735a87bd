// Pieces of work on several threads: whoever is free takes the next piece, and the caller takes part.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "table.hpp"

namespace recurra {

// Runs `helper` on another thread, now or later.
using Schedule = std::function<void(std::function<void()> helper)>;

// Runs all chunks and returns when they are done. It never waits for a thread that has not begun: all of it would be
// done by the caller alone.
void share(long chunks, void (*work)(void*, long), void* context, long helpers, const Schedule& schedule);

// Threads of this call alone, up to `count` with the caller's.
Workers own_threads(int count);

}  // namespace recurra
