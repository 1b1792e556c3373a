#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// The samples [begin, end) of a dataset.
struct SampleRange {
  int64_t begin = 0, end = 0;
  int64_t samples() const { return end - begin; }
  bool operator==(const SampleRange&) const = default;
};

struct SubsetOptions {
  std::string part = {};  // a name for fingerprint(): "without fold 2 of 5"
  int64_t channels = 0;   // that images are to get: 1 or 3; 0: the dataset's own number
  // Whether memory_bound() includes the whole dataset's. One of several subsets should count it.
  bool counts_whole = true;
};

// Samples of another dataset, in the same order. Its blocks are those of the whole dataset, without
// the samples that are not part of it.
class Subset final : public Dataset {
 public:
  // `ranges`: ascending, without overlaps, none of them empty. Throws Error for others.
  Subset(std::shared_ptr<const Dataset> whole, std::vector<SampleRange> ranges,
         SubsetOptions options = {});

  // As Dataset::fingerprint(), with the name of the part at the end. Depends on the whole dataset
  // and on the ranges.
  std::string fingerprint() const override;
  std::string place_of(int64_t index) const override { return whole_->place_of(in_whole(index)); }
  std::string name_of(int64_t index) const override { return whole_->name_of(in_whole(index)); }
  std::vector<int64_t> blocks() const override;
  uint64_t memory_bound() const override;

 private:
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override { return whole_->label(in_whole(index)); }
  float target_of(int64_t index) const override { return whole_->target(in_whole(index)); }
  void read_labels(int64_t begin, std::span<int64_t> labels) const override;
  std::vector<int64_t> count_labels(int64_t samples) const override;
  uint64_t content_checksum() const override;
  int64_t in_whole(int64_t index) const;
  size_t range_of(int64_t index) const;

  std::shared_ptr<const Dataset> whole_;
  std::vector<SampleRange> ranges_;
  std::vector<int64_t> firsts_;  // the index in this dataset of the first sample of each range
  SubsetOptions options_;
};

}  // namespace d2l::data
