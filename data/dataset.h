#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/sample.h"
#include "framework/base/error.h"
#include "framework/base/shape.h"

namespace d2l::data {

enum class Split { train, test };

std::string to_string(Split split);         // "train"
Split split_from(const std::string& text);  // throws Error for an unknown name

// The description of a dataset.
struct DatasetInfo {
  std::string name{};
  int64_t samples = 0;
  // Of every image: height, width, channels. Height and width are 0 if the images differ in size.
  // For tables: the number of values of a row.
  Shape shape{};
  int64_t classes = 0;                     // labels are in [0, classes); 0: the targets are numbers
  std::vector<std::string> class_names{};  // one per class, or none
  std::string source{};                    // where it comes from
  std::string licence{};
  std::vector<std::string> remarks{};  // what is missing in its files, which are usable
  // Of the pixel values, from 0 to 1, of all images: one per channel, or none if not known.
  std::vector<double> mean{}, deviation{};
  std::string table{};  // how a table's columns become values: TableForm::text(); empty for images

  bool is_table() const { return shape.rank() == 1; }
  bool has_labels() const { return classes > 0; }
  bool has_one_size() const { return shape[0] > 0; }
  int64_t input_elements() const { return shape.elements(); }  // 0 if the images differ in size
};

// Throws Error if a class of the test data has another name in the training data. Data without
// names are accepted.
void check_class_names(const DatasetInfo& train, const DatasetInfo& test);

// The stored bytes of a sample are damaged. what() names the sample.
class DamagedSample : public Error {
 public:
  using Error::Error;
};

// What Dataset::visit() does with a damaged sample: it throws DamagedSample, or it passes the
// sample with its Sample::damage to the visitor.
enum class OnDamage { fail, visit };

// Images or rows of a table with their targets, addressed by index in their original order. Reading
// is thread-safe.
class Dataset {
 public:
  // `position`: the sample's position in the requested indices. The bytes of `sample` are valid
  // only during the call.
  using Visitor = std::function<void(size_t position, const Sample& sample)>;

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
  virtual std::string fingerprint() const;

  // Calls `visitor` once for each of `indices`, in the order that is fastest to read. Throws Error
  // for an index out of range and if the data cannot be read.
  void visit(std::span<const int64_t> indices, const Visitor& visitor,
             OnDamage on_damage = OnDamage::fail) const;

  // The number of samples of each class among the first `samples`; empty if the targets are
  // numbers. Does not read images.
  std::vector<int64_t> class_counts(int64_t samples) const;

  // The label of a sample, without reading its image; 0 if the targets are numbers. Throws Error
  // for an index out of range.
  int64_t label(int64_t index) const;
  // The same for a target that is a number; 0 if the targets are labels.
  float target(int64_t index) const;

  // The labels of the samples [begin, end), without reading images. Throws Error for a range that
  // is not in [0, samples()].
  std::vector<int64_t> labels(int64_t begin, int64_t end) const;

  // Copies sample indices[i] to images + i * input_elements() and its label to labels[i]. Throws
  // Error for images that are not stored as pixels of one size.
  void read_bytes(std::span<const int64_t> indices, uint8_t* images, int64_t* labels) const;

  // Where a sample comes from, for messages: "train-00003-of-00008.h5, sample 17 (cats/1.jpg)".
  virtual std::string place_of(int64_t index) const;

  // The original file of a sample; empty if not known. Throws Error if it cannot be read.
  virtual std::string name_of(int64_t index) const;

  // The first samples of consecutive blocks that are fast to read as a whole, in ascending order
  // from 0. A single block if any order of reading is equally fast.
  virtual std::vector<int64_t> blocks() const { return {0}; }

  // The most bytes of memory that this object needs for samples and tables; each thread in visit()
  // needs in addition the memory of one block.
  virtual uint64_t memory_bound() const { return 0; }

 private:
  // All get only valid indices. visit_samples() passes damaged samples to the visitor.
  virtual void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const = 0;
  virtual int64_t label_of(int64_t index) const = 0;
  virtual float target_of(int64_t) const { return 0; }
  // The labels from sample `begin` on. The default asks for each label.
  virtual void read_labels(int64_t begin, std::span<int64_t> labels) const;
  // The counts of class_counts(). The default asks for each label.
  virtual std::vector<int64_t> count_labels(int64_t samples) const;
  // The checksum of all images and labels in order.
  virtual uint64_t content_checksum() const = 0;

  DatasetInfo info_;
};

}  // namespace d2l::data
