#include "framework/base/affinity.h"

#include <sched.h>

#include <algorithm>
#include <thread>

namespace d2l {

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace d2l
