#include "framework/base/checksum.h"

#include <xxhash.h>

#include <array>
#include <bit>

namespace d2l {

static_assert(std::endian::native == std::endian::little,
              "checksums are over little-endian bytes, which are copied without conversion");

uint64_t checksum(const void* data, size_t bytes) { return XXH64(data, bytes, 0); }

uint32_t crc32c(const void* data, size_t bytes) {
  constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected
  static const std::array<uint32_t, 256> kOfByte = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t byte = 0; byte < table.size(); ++byte) {
      table[byte] = byte;
      for (int bit = 0; bit < 8; ++bit)
        table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? kPolynomial : 0);
    }
    return table;
  }();
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < bytes; ++i)
    crc = crc >> 8 ^ kOfByte[(crc ^ static_cast<const uint8_t*>(data)[i]) & 255];
  return ~crc;
}

std::string checksum_text(uint64_t checksum) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, checksum >>= 4) text[i] = "0123456789abcdef"[checksum & 15];
  return text;
}

}  // namespace d2l
