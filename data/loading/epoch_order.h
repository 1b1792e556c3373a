#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/base/rng.h"

namespace d2l::data {

// Which sample is at each position of an epoch. Thread-safe.
class EpochOrder {
 public:
  virtual ~EpochOrder() = default;
  // samples[i] becomes the sample at position `begin` + i.
  virtual void read(int64_t begin, std::span<int64_t> samples) const = 0;
};

// Position i is sample i.
class SequentialOrder final : public EpochOrder {
 public:
  void read(int64_t begin, std::span<int64_t> samples) const override;
};

// A permutation of [0, samples) by Fisher and Yates (Knuth, The Art of Computer Programming, vol.
// 2, algorithm 3.4.2P), each as likely as any other.
class ShuffledOrder final : public EpochOrder {
 public:
  ShuffledOrder(int64_t samples, RngKey key);
  void read(int64_t begin, std::span<int64_t> samples) const override;

  static uint64_t bytes(int64_t samples);  // memory of one order

 private:
  // One of the two, by the number of samples.
  std::vector<uint32_t> narrow_;
  std::vector<int64_t> wide_;
};

}  // namespace d2l::data
