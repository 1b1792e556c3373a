#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace d2l {

// XXH64 with seed 0, as in its public specification. About as fast as memory. A change within one
// aligned 8-byte word of the data always changes the checksum.
uint64_t checksum(const void* data, size_t bytes);

// CRC-32C (Castagnoli), as in RFC 3720. A byte at a time: for small data in other programs'
// formats.
uint32_t crc32c(const void* data, size_t bytes);

// Whether two checksums of any kind are equal. The readers of datasets compare with this function,
// so that tests can replace it and get changed files past the checksums.
bool checksums_agree(uint64_t expected, uint64_t found);

std::string checksum_text(uint64_t checksum);  // 16 hexadecimal digits

}  // namespace d2l
