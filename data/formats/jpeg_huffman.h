#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace d2l::data {

// The Huffman codes of JPEG coefficients, sequential mode (ITU-T T.81, annex F.2.2). A symbol says
// how many zeros precede a coefficient and how many bits of it follow. One look at the next kBits
// bits gives the zeros and the value at once, if code and value are that short.
class JpegCodes {
 public:
  static constexpr int kBits = 10;
  static constexpr uint32_t kEnd = 128;  // zeros that stand for the end of a block

  // `codes`: 16 counts of codes by length, then the symbols. False if there are no such codes.
  // Does nothing if they are the ones it has.
  bool assign(std::span<const uint8_t> codes, bool dc);

  // From the next kBits bits. Bits 0 to 7: the bits used by code and value, bits 8 to 15: zeros,
  // the rest: the value. If bits 0 to 7 are 0, only the code fits: bits 8 to 15: bits used by the
  // code, bits 16 to 23: the symbol. 0: the code does not fit either, or is not valid.
  uint32_t at(uint64_t window) const { return entries_[window >> (64 - kBits)]; }

  // A code of more than kBits bits, from the next 16 bits: its length in bits 8 to 15, the symbol
  // in bits 16 to 23; 0 if there is none.
  uint32_t search(uint64_t window) const;

 private:
  void enter(uint32_t code, uint32_t length, uint32_t symbol);

  std::array<uint32_t, 1 << kBits> entries_{};
  std::array<uint32_t, 17> limits_{};  // per length: the first 16 bits that are no such code
  std::array<int32_t, 17> offsets_{};  // per length: index of the symbol minus the code
  std::array<uint8_t, 272> codes_{};   // as assigned
  size_t size_ = 0;
  bool dc_ = false;
};

// Reads bits from entropy-coded data without stuffed bytes and markers. At least kSlack bytes must
// follow their end.
class JpegBits {
 public:
  static constexpr size_t kSlack = 320;  // more than a block can have

  JpegBits() = default;
  JpegBits(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(end) {}

  // Afterwards the window has at least 56 bits.
  void refill() {
    uint64_t word;
    std::memcpy(&word, at_, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
    window_ |= word >> count_;
    at_ += (63 - count_) >> 3;
    count_ |= 56;
  }
  // Afterwards the window has at least `bits` bits, up to 56. Most calls find them there, and then
  // the next symbol has not to wait for memory.
  void need(int bits) {
    if (count_ < bits) refill();
  }
  uint64_t window() const { return window_; }
  void drop(uint32_t bits) {
    window_ <<= bits;
    count_ -= static_cast<int>(bits);
  }

  // The number of bits after the read ones; negative if more were read than there are.
  int64_t left() const { return (end_ - at_) * 8 + count_; }

 private:
  uint64_t window_ = 0;  // the next count_ bits, from the top
  int count_ = 0;
  const uint8_t *at_ = nullptr, *end_ = nullptr;
};

// The value of a coefficient whose bits, up to 15, are at the top of the window.
inline int32_t jpeg_value(uint64_t window, uint32_t size) {
  const auto bits = static_cast<int32_t>(window >> 1 >> (63 - size));
  return size == 0 || window >> 63 ? bits : bits - (1 << size) + 1;
}

// The place of each coefficient of the file in a block that is stored column by column. Place 64 is
// for what is no coefficient.
extern const std::array<uint8_t, 256> kJpegOrder;

// Reads a block into `block`, which has 64 zeros and a place for what is no coefficient. Its first
// coefficient is a difference, which is added to `dc`. Returns how many coefficients may not be
// zero, in the order of the file, or 0 if the data are damaged.
inline int read_jpeg_block(JpegBits& bits, const JpegCodes& dc_codes, const JpegCodes& ac_codes,
                           int16_t& dc, int16_t* block) {
  if (bits.left() < 0) [[unlikely]]
    return 0;
  bits.refill();
  uint32_t entry = dc_codes.at(bits.window());
  if (entry & 0xFF) [[likely]] {
    bits.drop(entry & 0xFF);
    dc = static_cast<int16_t>(dc + (static_cast<int32_t>(entry) >> 16));
  } else {
    if (entry == 0) entry = dc_codes.search(bits.window());
    if (entry == 0) return 0;
    bits.drop(entry >> 8 & 0xFF);
    const uint32_t size = entry >> 16 & 15;
    dc = static_cast<int16_t>(dc + jpeg_value(bits.window(), size));
    bits.drop(size);
  }
  block[0] = dc;
  uint32_t next = 1;
  do {
    bits.need(32);
    entry = ac_codes.at(bits.window());
    if (entry & 0xFF) [[likely]] {
      bits.drop(entry & 0xFF);
      next += entry >> 8 & 0xFF;
      block[kJpegOrder[next]] = static_cast<int16_t>(entry >> 16);
    } else {
      if (entry == 0) entry = ac_codes.search(bits.window());
      if (entry == 0) return 0;
      bits.drop(entry >> 8 & 0xFF);
      const uint32_t size = entry >> 16 & 15, zeros = entry >> 20 & 15;
      next += size > 0 || zeros > 0 ? zeros : JpegCodes::kEnd;
      block[kJpegOrder[next]] = static_cast<int16_t>(jpeg_value(bits.window(), size));
      bits.drop(size);
    }
    ++next;
  } while (next < 64);
  if (next == 64) return 64;
  return next > JpegCodes::kEnd ? static_cast<int>(next - JpegCodes::kEnd - 1) : 0;
}

}  // namespace d2l::data
