#include "launcher/predict/image_files.h"

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

// The reason without the path, which stands before it.
std::string without_path(std::string reason, const std::string& path) {
  const size_t at = reason.find(path);
  return at == std::string::npos ? reason : reason.replace(at, path.size(), "the file");
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

uint64_t ImageFiles::content_checksum() const {
  std::vector<uint64_t> parts;
  for (int64_t index = 0; index < samples(); ++index)
    visit(std::vector{index}, [&](size_t, const Sample& sample) {
      parts.push_back(checksum(sample.bytes.data(), sample.bytes.size()));
      parts.push_back(static_cast<uint64_t>(sample.label));
    });
  return checksum(parts.data(), parts.size() * sizeof(uint64_t));
}

}  // namespace d2l::predict
