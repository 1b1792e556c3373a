#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace d2l::predict {

// Image files as a dataset.
class ImageFiles final : public data::Dataset {
 public:
  // `labels`: one per file. Sets info.samples.
  ImageFiles(data::DatasetInfo info, std::vector<std::string> paths, std::vector<int64_t> labels);

  std::string place_of(int64_t index) const override { return name_of(index); }
  std::string name_of(int64_t index) const override { return paths_[static_cast<size_t>(index)]; }

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override { return labels_[static_cast<size_t>(index)]; }
  uint64_t content_checksum() const override;

  std::vector<std::string> paths_;
  std::vector<int64_t> labels_;
};

}  // namespace d2l::predict
