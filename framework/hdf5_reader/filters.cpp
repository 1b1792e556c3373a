#include "framework/hdf5_reader/filters.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "framework/base/checksum.h"

namespace d2l::hdf5 {
namespace {

constexpr size_t kChecksumBytes = 4;

void check_fletcher32(std::vector<uint8_t>& bytes) {
  require(bytes.size() > kChecksumBytes, "too few bytes for a checksum");
  const std::span<const uint8_t> all = bytes;
  const uint64_t expected = Cursor(all.last(kChecksumBytes)).number(kChecksumBytes);
  require(checksums_agree(expected, fletcher32(all.first(all.size() - kChecksumBytes))),
          "the checksum (fletcher32) is wrong");
  bytes.resize(bytes.size() - kChecksumBytes);
}

// `most`: the largest allowed result.
std::vector<uint8_t> inflate_bytes(const std::vector<uint8_t>& bytes, uint64_t most) {
  std::vector<uint8_t> inflated(std::min(most, kDeflateRatio * bytes.size() + kChecksumBytes));
  uLongf size = inflated.size();
  uLong used = bytes.size();
  const int result = ::uncompress2(inflated.data(), &size, bytes.data(), &used);
  require(result == Z_OK && used == bytes.size(), "the compressed bytes (deflate) are damaged");
  inflated.resize(size);
  return inflated;
}

// Shuffled data have the first bytes of all elements, then the second bytes, and so on.
std::vector<uint8_t> unshuffle(const std::vector<uint8_t>& bytes, size_t element) {
  const size_t count = bytes.size() / element;
  std::vector<uint8_t> plain = bytes;  // an incomplete last element stays
  for (size_t byte = 0; byte < element; ++byte)
    for (size_t i = 0; i < count; ++i) plain[i * element + byte] = bytes[byte * count + i];
  return plain;
}

}  // namespace

std::vector<Filter> parse_filters(std::span<const uint8_t> message) {
  Cursor cursor(message);
  require_version(cursor.number(1), 2, 2, "the list of filters");
  const uint64_t count = cursor.number(1);
  std::vector<Filter> filters;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t number = cursor.number(2);
    require(number >= 1 && number <= 3, "it uses filter ", number,
            "; expected deflate, shuffle and fletcher32 only");
    cursor.skip(2);  // flags
    Filter filter{static_cast<Filter::Kind>(number)};
    const uint64_t parameters = cursor.number(2);
    for (uint64_t p = 0; p < parameters; ++p) {
      const uint64_t value = cursor.number(4);
      if (p == 0) filter.parameter = static_cast<uint32_t>(value);
    }
    require(filter.kind != Filter::Kind::shuffle || filter.parameter > 0,
            "it shuffles elements of no bytes");
    require(std::none_of(filters.begin(), filters.end(),
                         [&](const Filter& other) { return other.kind == filter.kind; }),
            "it uses filter ", number, " twice");
    filters.push_back(filter);
  }
  return filters;
}

uint32_t fletcher32(std::span<const uint8_t> bytes) {
  // Reduces a sum modulo 65535, except that nonzero multiples become 65535.
  auto folded = [](uint64_t sum) {
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
  };
  constexpr size_t kBlock = size_t{1} << 16;  // words that cannot overflow the sums
  uint64_t first = 0, second = 0;
  const size_t words = bytes.size() / 2;
  for (size_t begin = 0; begin < words; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, words);
    for (size_t i = begin; i < end; ++i) {
      first += static_cast<uint64_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
      second += first;
    }
    first = folded(first);
    second = folded(second);
  }
  if (bytes.size() % 2 != 0) {
    first += static_cast<uint64_t>(bytes.back()) << 8;
    second += first;
  }
  return static_cast<uint32_t>(folded(second) << 16 | folded(first));
}

std::vector<uint8_t> undo_filters(const std::vector<Filter>& filters, uint32_t left_out,
                                  std::vector<uint8_t> bytes, uint64_t size) {
  for (size_t i = filters.size(); i-- > 0;) {
    const bool skipped = left_out >> i & 1;
    switch (filters[i].kind) {
      case Filter::Kind::fletcher32:
        require(!skipped, "it has no checksum");
        check_fletcher32(bytes);
        break;
      case Filter::Kind::deflate:
        // an incompressible chunk is stored uncompressed
        if (!skipped) bytes = inflate_bytes(bytes, size + kChecksumBytes);
        break;
      case Filter::Kind::shuffle:
        if (!skipped) bytes = unshuffle(bytes, filters[i].parameter);
    }
  }
  require(bytes.size() == size, "expected ", size, " bytes, found ", bytes.size());
  return bytes;
}

}  // namespace d2l::hdf5
