#pragma once

#include <algorithm>

#include "framework/backend/cpu/parallel.h"
#include "framework/backend/scratch.h"

namespace d2l::cpu {

// Scratch memory for each thread of a parallel loop, with kSlack spare elements at the end, since
// vectors may extend past the end. Allocated before the loop, so that the use of the pool does not
// depend on how threads are scheduled.
template <class T>
class PerThread {
 public:
  static constexpr int64_t kSlack = 64;

  PerThread(MemoryPool& pool, int64_t count)
      : step_((count + kSlack + 63) / 64 * 64), memory_(pool, step_ * team_size()) {}
  // Sets all threads' memory to zero.
  void clear() { std::fill_n(memory_.data(), step_ * team_size(), T{}); }
  T* mine() const { return memory_.data() + step_ * number_in_team(); }

 private:
  int64_t step_;
  Scratch<T> memory_;
};

}  // namespace d2l::cpu
