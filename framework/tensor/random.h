#pragma once

#include <vector>

#include "framework/tensor/create.h"

namespace d2l {

// Draws random tensors on default_backend(), one after the other: the same program draws the same
// numbers again. See rng.h for draws that do not depend on earlier ones.
class Random {
 public:
  explicit Random(uint64_t seed = 0) : seed_(seed) {}

  Tensor uniform(const Shape& shape, double low = 0, double high = 1);  // [low, high)
  Tensor normal(const Shape& shape, double mean = 0, double std = 1);
  std::vector<int64_t> permutation(int64_t count);  // of 0, 1, ..., count - 1

 private:
  RngKey next_key() { return {seed_, mix(stream_of("random"), draws_++)}; }

  uint64_t seed_;
  uint64_t draws_ = 0;
};

}  // namespace d2l
