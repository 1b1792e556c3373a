#include "data/array_dataset.h"

#include <algorithm>

#include "framework/base/checksum.h"

namespace d2l::data {
namespace {

bool are_labels(const Tensor& targets) { return targets.dtype() == DType::i64; }

int64_t classes_of(const Tensor& targets) {
  if (!are_labels(targets) || targets.elements() == 0) return 0;
  const std::vector<int64_t> labels = targets.to_vector<int64_t>();
  const auto [least, most] = std::ranges::minmax(labels);
  check(least >= 0, "array: expected labels of at least 0, found ", least);
  return most + 1;
}

DatasetInfo info_of(const std::string& name, const Tensor& inputs, const Tensor& targets) {
  check_dtype("array", inputs, DType::f32);
  check(inputs.rank() == 2, "array: expected inputs [n, values], found ", inputs.shape());
  check(are_labels(targets) || targets.dtype() == DType::f32,
        "array: expected targets f32 or i64, found ", to_string(targets.dtype()));
  const bool fits = targets.rank() == 1 || (targets.rank() == 2 && targets.size(1) == 1);
  check(fits && targets.size(0) == inputs.size(0), "array: expected targets [", inputs.size(0),
        "], found ", targets.shape());
  DatasetInfo info;
  info.name = name;
  info.samples = inputs.size(0);
  info.shape = {inputs.size(1)};
  info.classes = classes_of(targets);
  return info;
}

}  // namespace

ArrayDataset::ArrayDataset(const Tensor& inputs, const Tensor& targets, const std::string& name)
    : Dataset(info_of(name, inputs, targets)), inputs_(inputs.to_vector<float>()) {
  if (are_labels(targets))
    labels_ = targets.to_vector<int64_t>();
  else
    targets_ = targets.to_vector<float>();
}

uint64_t ArrayDataset::memory_bound() const {
  return inputs_.size() * sizeof(float) + targets_.size() * sizeof(float) +
         labels_.size() * sizeof(int64_t);
}

void ArrayDataset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  const size_t width = static_cast<size_t>(shape()[0]);
  for (size_t i = 0; i < indices.size(); ++i) {
    const float* values = inputs_.data() + static_cast<size_t>(indices[i]) * width;
    visitor(i, {.encoding = Encoding::values,
                .bytes = {reinterpret_cast<const uint8_t*>(values), width * sizeof(float)},
                .shape = shape(),
                .label = label_of(indices[i]),
                .target = target_of(indices[i])});
  }
}

int64_t ArrayDataset::label_of(int64_t index) const {
  return labels_.empty() ? 0 : labels_[static_cast<size_t>(index)];
}

float ArrayDataset::target_of(int64_t index) const {
  return targets_.empty() ? 0 : targets_[static_cast<size_t>(index)];
}

uint64_t ArrayDataset::content_checksum() const {
  const uint64_t parts[] = {checksum(inputs_.data(), inputs_.size() * sizeof(float)),
                            checksum(targets_.data(), targets_.size() * sizeof(float)),
                            checksum(labels_.data(), labels_.size() * sizeof(int64_t))};
  return checksum(parts, sizeof parts);
}

}  // namespace d2l::data
