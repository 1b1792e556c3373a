#include "data/dataset.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {

std::string to_string(Split split) { return split == Split::train ? "train" : "test"; }

Split split_from(const std::string& text) {
  if (text == "train") return Split::train;
  if (text == "test") return Split::test;
  fail(unknown_name("split", text, {"train", "test"}));
}

void check_class_names(const DatasetInfo& train, const DatasetInfo& test) {
  const size_t count = std::min(train.class_names.size(), test.class_names.size());
  for (size_t label = 0; label < count; ++label)
    check(train.class_names[label] == test.class_names[label], train.name,
          ": expected the same classes in train and test, found class ", label, " with the name ",
          train.class_names[label], " in train and ", test.class_names[label], " in test");
}

Dataset::Dataset(DatasetInfo info) : info_(std::move(info)) {
  check(info_.samples > 0, info_.name, ": expected at least one sample, found ", info_.samples);
  const Shape& sample = info_.shape;
  check(info_.is_table()
            ? sample[0] > 0
            : sample.rank() == 3 && sample[2] > 0 && (sample[0] > 0) == (sample[1] > 0),
        info_.name, ": expected images of height, width, channels or rows of values, found shape ",
        sample);
  check(info_.is_table() ? info_.classes >= 0 : info_.classes > 0, info_.name,
        ": expected at least one class, found ", info_.classes);
  check(
      info_.class_names.empty() || static_cast<int64_t>(info_.class_names.size()) == info_.classes,
      info_.name, ": expected ", info_.classes, " class names, found ", info_.class_names.size());
}

std::string Dataset::fingerprint() const {
  const std::string size = info_.has_one_size() ? concat(shape()) : "different sizes";
  const std::string targets =
      info_.has_labels() ? concat(" in ", classes(), " classes") : " with numbers as targets";
  return concat(name(), ", ", with_thousands(samples()), " samples of ", size, targets,
                ", checksum ", checksum_text(content_checksum()));
}

void Dataset::visit(std::span<const int64_t> indices, const Visitor& visitor,
                    OnDamage on_damage) const {
  for (int64_t index : indices)
    check(index >= 0 && index < info_.samples, info_.name, ": sample ", index, " is outside [0, ",
          info_.samples, ")");
  if (on_damage == OnDamage::visit) return visit_samples(indices, visitor);
  visit_samples(indices, [&](size_t position, const Sample& sample) {
    if (!sample.damage.empty()) throw DamagedSample(sample.damage);
    visitor(position, sample);
  });
}

std::vector<int64_t> Dataset::class_counts(int64_t samples) const {
  check(samples >= 0 && samples <= info_.samples, info_.name, ": expected at most ", info_.samples,
        " samples, found ", samples);
  return count_labels(samples);
}

std::vector<int64_t> Dataset::count_labels(int64_t samples) const {
  std::vector<int64_t> counts(static_cast<size_t>(info_.classes));
  for (int64_t index = 0; info_.has_labels() && index < samples; ++index)
    ++counts[static_cast<size_t>(label_of(index))];
  return counts;
}

int64_t Dataset::label(int64_t index) const {
  check(index >= 0 && index < info_.samples, info_.name, ": sample ", index, " is outside [0, ",
        info_.samples, ")");
  return label_of(index);
}

float Dataset::target(int64_t index) const {
  check(index >= 0 && index < info_.samples, info_.name, ": sample ", index, " is outside [0, ",
        info_.samples, ")");
  return target_of(index);
}

std::vector<int64_t> Dataset::labels(int64_t begin, int64_t end) const {
  check(begin >= 0 && begin <= end && end <= info_.samples, info_.name, ": samples [", begin, ", ",
        end, ") are not in [0, ", info_.samples, ")");
  std::vector<int64_t> found(static_cast<size_t>(end - begin));
  read_labels(begin, found);
  return found;
}

void Dataset::read_labels(int64_t begin, std::span<int64_t> labels) const {
  for (int64_t& label : labels) label = label_of(begin++);
}

void Dataset::read_bytes(std::span<const int64_t> indices, uint8_t* images, int64_t* labels) const {
  const size_t elements = static_cast<size_t>(info_.input_elements());
  visit(indices, [&](size_t position, const Sample& sample) {
    check(sample.encoding == Encoding::pixels && sample.bytes.size() == elements,
          place_of(indices[position]), ": expected ", elements, " bytes of pixels, found ",
          sample.bytes.size(), " bytes of ", to_string(sample.encoding));
    std::memcpy(images + position * elements, sample.bytes.data(), elements);
    labels[position] = sample.label;
  });
}

std::string Dataset::name_of(int64_t) const { return ""; }

std::string Dataset::place_of(int64_t index) const { return concat(name(), ", sample ", index); }

}  // namespace d2l::data
