#pragma once

#include <cstdint>
#include <functional>

namespace d2l::data {

// Calls `action` for each number in [0, count) on `threads` threads, in any order. If calls throw,
// throws one of their exceptions when all threads have ended.
void for_each_on_threads(int64_t count, int threads, const std::function<void(int64_t)>& action);

}  // namespace d2l::data
