#include "framework/checkpoint/checksum.h"

#include <bit>
#include <cstring>

namespace d2l {
namespace {

static_assert(std::endian::native == std::endian::little,
              "checkpoints are little-endian and are copied without conversion");

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87ull;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Full;
constexpr uint64_t kPrime3 = 0x165667B19E3779F9ull;
constexpr uint64_t kPrime4 = 0x85EBCA77C2B2AE63ull;
constexpr uint64_t kPrime5 = 0x27D4EB2F165667C5ull;
constexpr size_t kStripe = 32;  // bytes that the four lanes take together

template <class Word>
Word word_at(const uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

uint64_t round(uint64_t lane, uint64_t word) {
  return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ round(0, lane)) * kPrime1 + kPrime4; }

// What is left after the stripes, and the final mixing.
uint64_t finish(uint64_t hash, const uint8_t* at, const uint8_t* end) {
  for (; end - at >= 8; at += 8)
    hash = std::rotl(hash ^ round(0, word_at<uint64_t>(at)), 27) * kPrime1 + kPrime4;
  if (end - at >= 4) {
    hash = std::rotl(hash ^ (word_at<uint32_t>(at) * kPrime1), 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at < end; ++at) hash = std::rotl(hash ^ (*at * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

uint64_t checksum(const void* data, size_t bytes) {
  const uint8_t* at = static_cast<const uint8_t*>(data);
  const uint8_t* end = at + bytes;
  if (bytes < kStripe) return finish(kPrime5 + bytes, at, end);
  uint64_t a = kPrime1 + kPrime2, b = kPrime2, c = 0, d = uint64_t{0} - kPrime1;
  for (; end - at >= static_cast<ptrdiff_t>(kStripe); at += kStripe) {
    a = round(a, word_at<uint64_t>(at));
    b = round(b, word_at<uint64_t>(at + 8));
    c = round(c, word_at<uint64_t>(at + 16));
    d = round(d, word_at<uint64_t>(at + 24));
  }
  uint64_t hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
  hash = merge(merge(merge(merge(hash, a), b), c), d);
  return finish(hash + bytes, at, end);
}

std::string checksum_text(uint64_t checksum) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, checksum >>= 4) text[i] = "0123456789abcdef"[checksum & 15];
  return text;
}

}  // namespace d2l
