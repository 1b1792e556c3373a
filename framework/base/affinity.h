#pragma once

#include <cstdint>
#include <vector>

namespace d2l {

// The cores that this process may run on, one bit each: its affinity mask, not the machine's size.
std::vector<uint64_t> available_cores();

int count_cores(const std::vector<uint64_t>& cores);

}  // namespace d2l
