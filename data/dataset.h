#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::data {

enum class Split { train, test };

std::string to_string(Split split);         // "train"
Split split_from(const std::string& text);  // throws Error for an unknown name

// The description of a dataset.
struct DatasetInfo {
  std::string name{};
  int64_t samples = 0;
  Shape shape{};                           // of one sample: height, width, channels
  int64_t classes = 0;                     // labels are in [0, classes)
  std::vector<std::string> class_names{};  // one per class, or none
  std::string source{};                    // where it comes from
  std::string licence{};
  std::vector<std::string> remarks{};  // what is missing in its files, which are usable

  int64_t input_elements() const { return shape.elements(); }
};

// Images with labels, addressed by index in their original order. Images are bytes in H, W, C
// order. Reading is thread-safe.
class Dataset {
 public:
  // `position`: the sample's position in the requested indices. `image`: input_elements() bytes
  // that are valid only during the call.
  using Visitor = std::function<void(size_t position, const uint8_t* image, int64_t label)>;

  explicit Dataset(DatasetInfo info);
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const DatasetInfo& info() const { return info_; }
  const std::string& name() const { return info_.name; }
  int64_t samples() const { return info_.samples; }
  const Shape& shape() const { return info_.shape; }
  int64_t classes() const { return info_.classes; }
  const std::vector<std::string>& class_names() const { return info_.class_names; }

  // Identifies the content: "fashion-mnist, 60,000 samples of [28, 28, 1] in 10 classes, checksum
  // 0123456789abcdef". Equal fingerprints mean equal images and labels, independent of the files'
  // location. The same images have different fingerprints as shards and as original files.
  std::string fingerprint() const;

  // Calls `visitor` once for each of `indices`, in the order that is fastest to read. Throws Error
  // for an index out of range and if the data cannot be read.
  void visit(std::span<const int64_t> indices, const Visitor& visitor) const;

  // The number of samples of each class among the first `samples`. Does not read images.
  std::vector<int64_t> class_counts(int64_t samples) const;

  // Copies sample indices[i] to images + i * input_elements() and its label to labels[i].
  void read_bytes(std::span<const int64_t> indices, uint8_t* images, int64_t* labels) const;

 private:
  // Both get only valid indices.
  virtual void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const = 0;
  virtual int64_t label_of(int64_t index) const = 0;
  // The checksum of all images and labels in order.
  virtual uint64_t content_checksum() const = 0;

  DatasetInfo info_;
};

}  // namespace d2l::data
