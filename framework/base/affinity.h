#pragma once

#include <cstdint>
#include <vector>

namespace d2l {

// The affinity mask of this process: one bit per core that it may run on, not per core of the
// machine.
std::vector<uint64_t> available_cores();

int count_cores(const std::vector<uint64_t>& cores);

}  // namespace d2l
