#pragma once

#include "data/dataset.h"

namespace d2l::data {

// A dataset whose images and labels are in memory.
class MemoryDataset final : public Dataset {
 public:
  // Sets info.samples from `labels`. Throws Error that begins with info.name if the number of bytes
  // does not match the labels or a label is not in [0, classes).
  MemoryDataset(DatasetInfo info, std::vector<uint8_t> images, std::vector<uint8_t> labels);

  uint64_t memory_bound() const override { return images_.size() + labels_.size(); }

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  uint64_t content_checksum() const override;

  std::vector<uint8_t> images_;
  std::vector<uint8_t> labels_;
};

}  // namespace d2l::data
