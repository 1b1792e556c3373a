#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "framework/base/error.h"

namespace d2l::weights {

static_assert(std::endian::native == std::endian::little,
              "numbers of files are copied without conversion");

// Reads little-endian numbers and texts from bytes, one after the other. Every function throws
// Error, with the place that the constructor has received, if fewer bytes are left than it needs.
class ByteReader {
 public:
  // `bytes` must outlive the reader. `place` is the beginning of error messages: the path and the
  // part of the file.
  ByteReader(std::span<const uint8_t> bytes, std::string place)
      : bytes_(bytes), place_(std::move(place)) {}

  size_t left() const { return bytes_.size(); }

  template <class Number>
  Number number() {
    Number value;
    const std::span<const uint8_t> from = take(sizeof(Number));
    std::memcpy(&value, from.data(), sizeof(Number));
    return value;
  }
  std::string text(size_t count) {
    const std::span<const uint8_t> from = take(count);
    return {from.begin(), from.end()};
  }
  void skip(size_t count) { take(count); }
  // A reader of the next `count` bytes, which this reader skips.
  ByteReader part(size_t count) { return {take(count), place_}; }

 private:
  std::span<const uint8_t> take(size_t count) {
    check(count <= bytes_.size(), place_, ": expected ", count, " more bytes, found ",
          bytes_.size());
    const std::span<const uint8_t> taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  std::span<const uint8_t> bytes_;
  std::string place_;
};

}  // namespace d2l::weights
