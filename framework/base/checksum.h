#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace d2l {

// XXH64 with seed 0, as its public specification defines it: about as fast as memory, and any
// change within one aligned 8-byte word of the data changes it.
uint64_t checksum(const void* data, size_t bytes);

std::string checksum_text(uint64_t checksum);  // 16 hexadecimal digits

}  // namespace d2l
