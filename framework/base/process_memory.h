#pragma once

#include <cstdint>

namespace d2l {

// The memory of this process that is in RAM; 0 if the system does not tell.
struct ProcessMemory {
  uint64_t bytes = 0;  // now
  uint64_t peak = 0;   // the most since the start

  static ProcessMemory now();
};

}  // namespace d2l
