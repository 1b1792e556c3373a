#include "data/formats/jpeg_huffman.h"

#include <algorithm>

namespace d2l::data {
namespace {

// From the zigzag order of ITU-T T.81, figure 5: along the diagonals, each in the other direction.
constexpr std::array<uint8_t, 256> zigzag() {
  std::array<uint8_t, 256> order{};
  order.fill(64);
  size_t i = 0;
  for (int diagonal = 0; diagonal < 15; ++diagonal)
    for (int step = 0; step <= diagonal; ++step) {
      const int row = diagonal % 2 == 0 ? diagonal - step : step, column = diagonal - row;
      if (row < 8 && column < 8) order[i++] = static_cast<uint8_t>(8 * column + row);
    }
  return order;
}

// Whether a symbol of a DC or AC code has a meaning in sequential mode.
bool is_valid(uint32_t symbol, bool dc) {
  if (dc) return symbol <= 15;
  return (symbol & 15) != 0 || symbol == 0x00 || symbol == 0xF0;
}

}  // namespace

const std::array<uint8_t, 256> kJpegOrder = zigzag();

bool JpegCodes::assign(std::span<const uint8_t> codes, bool dc) {
  if (codes.size() == size_ && std::equal(codes.begin(), codes.end(), codes_.begin())) return true;
  size_ = 0;
  if (codes.size() < 17 || codes.size() > codes_.size()) return false;
  entries_.fill(0);
  std::copy(codes.begin(), codes.end(), codes_.begin());
  dc_ = dc;
  uint32_t code = 0;  // in 16 bits
  size_t symbol = 16;
  for (uint32_t length = 1; length <= 16; ++length) {
    offsets_[length] = static_cast<int32_t>(symbol) - static_cast<int32_t>(code >> (16 - length));
    for (int i = 0; i < codes[length - 1]; ++i, code += 1U << (16 - length)) {
      if (symbol >= codes.size() || code >= 1U << 16) return false;
      if (length <= kBits) enter(code, length, codes[symbol]);
      ++symbol;
    }
    limits_[length] = code;
  }
  if (symbol != codes.size()) return false;
  size_ = codes.size();
  return true;
}

void JpegCodes::enter(uint32_t code, uint32_t length, uint32_t symbol) {
  if (!is_valid(symbol, dc_)) return;
  const uint32_t size = symbol & 15, used = length + size;
  const uint32_t zeros = symbol == 0 && !dc_ ? kEnd : symbol >> 4;
  const uint32_t first = code >> (16 - kBits), count = 1U << (kBits - length);
  for (uint32_t i = first; i < first + count; ++i) {
    if (used > kBits) {
      entries_[i] = length << 8 | symbol << 16;
      continue;
    }
    const int32_t value = jpeg_value(static_cast<uint64_t>(i) << (64 - kBits) << length, size);
    entries_[i] = used | zeros << 8 | static_cast<uint32_t>(value) << 16;
  }
}

uint32_t JpegCodes::search(uint64_t window) const {
  const auto code = static_cast<uint32_t>(window >> 48);
  if (code < limits_[kBits]) return 0;
  for (uint32_t length = kBits + 1; length <= 16; ++length) {
    if (code >= limits_[length]) continue;
    const int64_t at = int64_t{code >> (16 - length)} + offsets_[length];
    const uint32_t symbol = codes_[static_cast<size_t>(at)];
    return is_valid(symbol, dc_) ? length << 8 | symbol << 16 : 0;
  }
  return 0;
}

}  // namespace d2l::data
