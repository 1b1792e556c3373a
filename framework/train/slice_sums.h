#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

// Adds up an array over the slices of this rank's part of a batch, as a balanced binary tree: ((0 +
// 1) + (2 + 3)) + ... An all-reduce over a power of two of ranks adds in the same way, so the sum
// over all slices has the same bits on any number of ranks that each have equally many slices.
class SliceSums {
 public:
  // `values`, f32 [n], is the array. `slices` is a power of two. Undefined values: there are none.
  SliceSums(Tensor values, int64_t slices);

  // Elements [begin, end) of the array are those of slice number `slice`. Each element is added
  // once for each slice, in the order of the slices. With the last slice, its sum is in the array;
  // before, the element is undefined.
  void add(int64_t slice, int64_t begin, int64_t end);
  // All elements.
  void add(int64_t slice);

 private:
  Tensor values_;
  int64_t slices_;
  std::vector<Tensor> sums_;  // number i: over 2^i slices that wait for as many more
};

}  // namespace d2l
