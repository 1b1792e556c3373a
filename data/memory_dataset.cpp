#include "data/memory_dataset.h"

#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

DatasetInfo with_samples(DatasetInfo info, size_t samples) {
  info.samples = static_cast<int64_t>(samples);
  return info;
}

}  // namespace

MemoryDataset::MemoryDataset(DatasetInfo description, std::vector<uint8_t> images,
                             std::vector<uint8_t> labels)
    : Dataset(with_samples(std::move(description), labels.size())),
      images_(std::move(images)),
      labels_(std::move(labels)) {
  const uint64_t expected = static_cast<uint64_t>(samples() * info().input_elements());
  check(images_.size() == expected, name(), ": ", samples(), " labels and inputs of shape ",
        shape(), " need ", expected, " bytes, found ", images_.size());
  for (size_t i = 0; i < labels_.size(); ++i)
    check(labels_[i] < classes(), name(), ": expected labels in [0, ", classes(), "), sample ", i,
          " has ", static_cast<int>(labels_[i]));
}

void MemoryDataset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  const size_t elements = static_cast<size_t>(info().input_elements());
  for (size_t i = 0; i < indices.size(); ++i) {
    size_t index = static_cast<size_t>(indices[i]);
    visitor(i, {.encoding = Encoding::pixels,
                .bytes = std::span(images_).subspan(index * elements, elements),
                .shape = shape(),
                .label = labels_[index]});
  }
}

uint64_t MemoryDataset::content_checksum() const {
  const uint64_t parts[] = {checksum(images_.data(), images_.size()),
                            checksum(labels_.data(), labels_.size())};
  return checksum(parts, sizeof parts);
}

}  // namespace d2l::data
