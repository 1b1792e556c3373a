#pragma once

#include "data/dataset.h"
#include "framework/tensor/tensor.h"

namespace d2l::data {

// Rows of numbers in memory with their targets, as a dataset.
class ArrayDataset final : public Dataset {
 public:
  // Copies inputs f32 [n, values] and targets [n] or [n, 1]: numbers f32, or labels i64, which must
  // not be negative. Throws Error.
  ArrayDataset(const Tensor& inputs, const Tensor& targets, const std::string& name = "array");

  uint64_t memory_bound() const override;

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override;
  float target_of(int64_t index) const override;
  uint64_t content_checksum() const override;

  std::vector<float> inputs_;
  std::vector<float> targets_;   // empty if there are labels
  std::vector<int64_t> labels_;  // empty if there are targets
};

}  // namespace d2l::data
