#include "data/loading/sample_pairs.h"

#include <algorithm>

namespace d2l::data {

PartnerRows::PartnerRows(const Sampler::Part& part)
    : size_(part.end - part.begin), first_(part.first_in_global), global_size_(part.global_size) {
  const int64_t end = first_ + size_;
  if (size_ == 0) return;
  if (first_ % 2 == 1) extra_.push_back(-1);
  if (end % 2 == 1 && end < global_size_) extra_.push_back(size_);
}

int64_t PartnerRows::of(int64_t row) const {
  const int64_t position = first_ + row, partner = position ^ 1;
  if (partner >= global_size_) return row;
  if (partner < first_) return size_;
  if (partner >= first_ + size_) return size_ + std::ssize(extra_) - 1;
  return partner - first_;
}

SamplePairs make_sample_pairs(Backend& host, int64_t count) {
  return {.numbers = Tensor(host, {count, SamplePairs::kNumbers}, DType::i64),
          .weights = Tensor(host, {count}),
          .targets = Tensor(host, {count}, DType::i64)};
}

void draw_pairs(const Augmentation& augmentation, RngKey key, const PartnerRows& partners,
                const Tensor& labels, Batch& batch) {
  SamplePairs& pairs = batch.pairs;
  const Extent image{batch.inputs.size(1), batch.inputs.size(2)};
  const int64_t* samples = batch.samples.data<int64_t>();
  for (int64_t row = 0; row < batch.size(); ++row) {
    const int64_t partner = partners.of(row);
    PairMix found;
    if (partner != row)
      found = draw_pair_mix(augmentation, key, std::min(samples[row], samples[partner]), image);
    const int64_t numbers[] = {partner, found.top, found.left, found.bottom, found.right};
    std::copy(std::begin(numbers), std::end(numbers),
              pairs.numbers.data<int64_t>() + row * SamplePairs::kNumbers);
    pairs.weights.data<float>()[row] = found.weight;
    pairs.targets.data<int64_t>()[row] = labels.data<int64_t>()[partner];
  }
}

}  // namespace d2l::data
