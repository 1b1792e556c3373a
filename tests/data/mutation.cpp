#include "tests/data/mutation.h"

#include <algorithm>

#include "framework/base/rng.h"

namespace d2l::data::test {

std::vector<uint8_t> mutate(std::vector<uint8_t> bytes, uint64_t round) {
  const RngKey key{round, stream_of("mutation")};
  uint64_t draw = 0;
  auto below = [&](uint64_t bound) { return random_below(key, draw++, bound); };
  const uint64_t changes = 1 + below(4);
  for (uint64_t i = 0; i < changes && !bytes.empty(); ++i) {
    // most interesting bytes are in headers
    const uint64_t reach = below(2) ? bytes.size() : std::min<uint64_t>(bytes.size(), 256);
    const size_t at = below(reach);
    switch (below(8)) {
      case 0:
      case 1:
        bytes[at] ^= static_cast<uint8_t>(1 << below(8));
        break;
      case 2:
        bytes[at] = static_cast<uint8_t>(below(256));
        break;
      case 3:
        bytes[at] = below(2) ? 0 : 255;
        break;
      case 4:
        for (size_t j = at; j < std::min(bytes.size(), at + 8); ++j) bytes[j] = 255;
        break;
      case 5:
        bytes.resize(at);
        break;
      case 6:
        bytes.insert(bytes.end(), 1 + below(64), static_cast<uint8_t>(below(256)));
        break;
      default: {
        const size_t from = below(bytes.size());
        for (size_t j = 0; j < 16 && at + j < bytes.size() && from + j < bytes.size(); ++j)
          bytes[at + j] = bytes[from + j];
      }
    }
  }
  return bytes;
}

}  // namespace d2l::data::test
