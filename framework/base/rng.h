#pragma once

#include <cstdint>
#include <string_view>

#include "framework/base/host_device.h"

namespace d2l {

// Counter-based random numbers: each number is a function of (key, index) alone, independent of
// rank, thread and earlier draws. Philox-4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011.
struct RngKey {
  uint64_t seed = 0;    // the run's seed
  uint64_t stream = 0;  // the purpose: a parameter's name, an epoch, a layer at a step

  bool operator==(const RngKey&) const = default;
};

// Derives a stream from `stream` and the number `part` (splitmix64's finaliser).
D2L_HOST_DEVICE inline uint64_t mix(uint64_t stream, uint64_t part) {
  uint64_t z = stream + 0x9E3779B97F4A7C15ull * (part + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// The key for one step. `step` may be in device memory; nullptr: the key itself.
D2L_HOST_DEVICE inline RngKey key_at(RngKey key, const int64_t* step) {
  if (step != nullptr) key.stream = mix(key.stream, static_cast<uint64_t>(*step));
  return key;
}

// The stream for a name (FNV-1a hash).
constexpr uint64_t stream_of(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ull;
  return hash;
}

struct Random4 {
  uint32_t word[4];
};

// Returns four independent 32-bit words: block number `block` of the key's sequence.
D2L_HOST_DEVICE inline Random4 philox(RngKey key, uint64_t block) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = static_cast<uint32_t>(block >> 32);
  uint32_t c2 = static_cast<uint32_t>(key.stream), c3 = static_cast<uint32_t>(key.stream >> 32);
  uint32_t k0 = static_cast<uint32_t>(key.seed), k1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t{0xD2511F53u} * c0;
    uint64_t product1 = uint64_t{0xCD9E8D57u} * c2;
    uint32_t next0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ k0;
    uint32_t next2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(product1);
    c3 = static_cast<uint32_t>(product0);
    c0 = next0;
    c2 = next2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Word number `index` of the key's sequence.
D2L_HOST_DEVICE inline uint32_t random_word(RngKey key, uint64_t index) {
  return philox(key, index >> 2).word[index & 3];
}

// Converts a word to [0, 1), with 24 random bits.
D2L_HOST_DEVICE inline float to_unit(uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

D2L_HOST_DEVICE inline float random_uniform(RngKey key, uint64_t index) {
  return to_unit(random_word(key, index));
}

// Standard normal distribution (Box-Muller, from two words). Host only: the last bit depends on the
// host's libm.
float random_normal(RngKey key, uint64_t index);

// A uniform integer in [0, bound), bound > 0 (64-bit multiply: the modulo bias is negligible).
uint64_t random_below(RngKey key, uint64_t index, uint64_t bound);

}  // namespace d2l
