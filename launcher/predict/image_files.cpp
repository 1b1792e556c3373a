#include "launcher/predict/image_files.h"

#include <bit>
#include <optional>

#include "data/formats/image.h"
#include "data/packing/file_items.h"
#include "framework/base/checksum.h"

namespace d2l::predict {
namespace {

using data::DatasetInfo;
using data::Sample;

DatasetInfo with_samples(DatasetInfo info, size_t samples) {
  info.samples = static_cast<int64_t>(samples);
  return info;
}

DatasetInfo part_of(DatasetInfo info, int64_t samples, int64_t channels) {
  info.samples = samples;
  if (!info.is_table()) info.shape[2] = channels;
  info.mean.clear();
  info.deviation.clear();
  return info;
}

// The reason without the path, which stands before it.
std::string without_path(std::string reason, const std::string& path) {
  const size_t at = reason.find(path);
  return at == std::string::npos ? reason : reason.replace(at, path.size(), "the file");
}

// A checksum of all samples in order.
uint64_t checksum_of(const data::Dataset& dataset) {
  std::vector<uint64_t> parts;
  for (int64_t index = 0; index < dataset.samples(); ++index)
    dataset.visit(std::vector{index}, [&](size_t, const Sample& sample) {
      parts.push_back(checksum(sample.bytes.data(), sample.bytes.size()));
      parts.push_back(static_cast<uint64_t>(sample.label));
      parts.push_back(std::bit_cast<uint32_t>(sample.target));
    });
  return checksum(parts.data(), parts.size() * sizeof(uint64_t));
}

}  // namespace

ImageFiles::ImageFiles(DatasetInfo description, std::vector<std::string> paths,
                       std::vector<int64_t> labels)
    : Dataset(with_samples(std::move(description), paths.size())),
      paths_(std::move(paths)),
      labels_(std::move(labels)) {
  check(labels_.size() == paths_.size(), name(), ": expected a label for each of ", paths_.size(),
        " files, found ", labels_.size());
}

void ImageFiles::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  for (size_t i = 0; i < indices.size(); ++i) {
    const std::string& path = paths_[static_cast<size_t>(indices[i])];
    std::vector<uint8_t> bytes;
    Sample sample;
    try {
      bytes = data::read_image_file(path);
      const data::ImageHeader header = data::read_image_header(bytes);
      sample = {header.encoding, bytes, header.shape, label_of(indices[i])};
    } catch (const Error& error) {
      sample.damage = concat(path, ": ", without_path(error.what(), path));
    }
    visitor(i, sample);
  }
}

uint64_t ImageFiles::content_checksum() const { return checksum_of(*this); }

SampleRange::SampleRange(const data::Dataset& whole, int64_t begin, int64_t end, int64_t channels)
    : Dataset(part_of(whole.info(), end - begin, channels)), whole_(whole), begin_(begin) {
  check(begin >= 0 && end <= whole.samples(), whole.name(), ": samples ", begin, " to ", end,
        " are outside [0, ", whole.samples(), ")");
}

void SampleRange::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  std::vector<int64_t> shifted(indices.begin(), indices.end());
  for (int64_t& index : shifted) index += begin_;
  whole_.visit(shifted, visitor, data::OnDamage::visit);
}

uint64_t SampleRange::content_checksum() const { return checksum_of(*this); }

}  // namespace d2l::predict
