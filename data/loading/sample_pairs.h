#pragma once

#include <cstdint>
#include <vector>

#include "data/loading/sampler.h"
#include "data/transform/pair_mix.h"
#include "framework/tensor/batch.h"

namespace d2l::data {

// The partners of the samples in a rank's part of a global batch, for steps that mix two samples.
// The samples at positions 2 k and 2 k + 1 of the global batch are a pair, on any number of ranks;
// the last sample of an odd batch is its own partner. So a part may lack a partner at its beginning
// and at its end, which it loads in addition.
class PartnerRows {
 public:
  PartnerRows() = default;  // of a part that is not mixed
  explicit PartnerRows(const Sampler::Part& part);

  // Of the samples to load in addition, relative to the part's first sample: -1, or the part's
  // size, or both. Their rows follow those of the part.
  const std::vector<int64_t>& extra() const { return extra_; }
  int64_t of(int64_t row) const;  // the row of the partner
  static constexpr int64_t kMostExtra = 2;

 private:
  int64_t size_ = 0, first_ = 0, global_size_ = 0;
  std::vector<int64_t> extra_;
};

// Memory for `count` samples.
SamplePairs make_sample_pairs(Backend& host, int64_t count);

// Draws how the samples of `batch` are mixed, and stores it in batch.pairs. `labels`: i64, of all
// rows of batch.inputs. `key` is of the epoch.
void draw_pairs(const Augmentation& augmentation, RngKey key, const PartnerRows& partners,
                const Tensor& labels, Batch& batch);

}  // namespace d2l::data
