#include "framework/base/checksum.h"

#include <xxhash.h>

#include <bit>

namespace d2l {

static_assert(std::endian::native == std::endian::little,
              "checksums are over little-endian bytes, which are copied without conversion");

uint64_t checksum(const void* data, size_t bytes) { return XXH64(data, bytes, 0); }

std::string checksum_text(uint64_t checksum) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, checksum >>= 4) text[i] = "0123456789abcdef"[checksum & 15];
  return text;
}

}  // namespace d2l
