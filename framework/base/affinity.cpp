#include "framework/base/affinity.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <thread>

namespace d2l {

std::vector<uint64_t> available_cores() {
  std::vector<uint64_t> cores(CPU_SETSIZE / 64, 0);
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (size_t i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set)) cores[i / 64] |= uint64_t{1} << (i % 64);
  } else {
    size_t count = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, CPU_SETSIZE);
    for (size_t i = 0; i < count; ++i) cores[i / 64] |= uint64_t{1} << (i % 64);
  }
  return cores;
}

int count_cores(const std::vector<uint64_t>& cores) {
  int count = 0;
  for (uint64_t word : cores) count += std::popcount(word);
  return count;
}

}  // namespace d2l
