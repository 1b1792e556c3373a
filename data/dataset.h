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

// What a data set says about itself.
struct DatasetInfo {
  std::string name{};
  int64_t samples = 0;
  Shape shape{};                           // of one input: height, width, channels
  int64_t classes = 0;                     // labels are in [0, classes)
  std::vector<std::string> class_names{};  // one per class, or empty
  std::string source{};                    // where it comes from
  std::string licence{};
  std::vector<std::string> remarks{};  // what its files lack, though they can be used

  int64_t input_elements() const { return shape.elements(); }
};

// Images with labels, addressed by index in their original order. Images are stored bytes in
// H, W, C order. Reading is safe from several threads at once.
class Dataset {
 public:
  // `position` is the place of the sample within the indices that were asked for; `image` holds
  // input_elements() bytes that are valid during the call only.
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

  // Tells data sets of the same name apart: "fashion-mnist, 60,000 samples of [28, 28, 1] in 10
  // classes, checksum 0123456789abcdef". Where it is equal, so are all images and labels, wherever
  // the files lie. In another form (shards or the original files) the same images have another
  // one.
  std::string fingerprint() const;

  // Shows every sample of `indices` once, in whatever order is fastest to read. Throws Error for an
  // index out of range and when the data cannot be read.
  void visit(std::span<const int64_t> indices, const Visitor& visitor) const;

  // How many samples have each label, of the first so many. No image is read.
  std::vector<int64_t> class_counts(int64_t samples) const;

  // Sample indices[i] to images + i * input_elements(), its label to labels[i].
  void read_bytes(std::span<const int64_t> indices, uint8_t* images, int64_t* labels) const;

 private:
  // The indices have been checked, both.
  virtual void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const = 0;
  virtual int64_t label_of(int64_t index) const = 0;
  // Of all images and labels in their order.
  virtual uint64_t content_checksum() const = 0;

  DatasetInfo info_;
};

}  // namespace d2l::data
