#include <algorithm>
#include <cmath>
#include <cstdio>

#include "framework/tensor/tensor.h"

namespace d2l {

namespace {

constexpr int64_t kSummariseAbove = 1000;  // elements
constexpr int64_t kEdge = 3;               // elements shown at both ends of a long axis
constexpr size_t kLineWidth = 80;
constexpr int64_t kEllipsis = -1;

// The positions along an axis that are printed, with kEllipsis for omitted ones.
std::vector<int64_t> shown_positions(int64_t size, bool summarise) {
  bool cut = summarise && size > 2 * kEdge;
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < size; ++i) {
    if (!cut || i < kEdge || i >= size - kEdge)
      positions.push_back(i);
    else if (i == kEdge)
      positions.push_back(kEllipsis);
  }
  return positions;
}

std::string printed(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

// Formats all values alike, so that they can be compared: integers as "3.", others with 4 decimals,
// or in scientific notation if 4 decimals would hide digits.
std::vector<std::string> texts_of(const std::vector<double>& values) {
  double smallest = HUGE_VAL, largest = 0;
  bool whole = true;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    if (value != std::floor(value)) whole = false;
    if (value == 0) continue;
    smallest = std::min(smallest, std::abs(value));
    largest = std::max(largest, std::abs(value));
  }
  bool powers = largest > 1e8 || (!whole && (smallest < 1e-4 || largest / smallest > 1000));
  const char* pattern = powers ? "%.4e" : (whole ? "%.0f." : "%.4f");
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (double value : values)
    texts.push_back(std::isfinite(value) ? printed(pattern, value) : printed("%f", value));
  return texts;
}

std::vector<std::string> texts_of(const std::vector<int64_t>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (int64_t value : values) texts.push_back(std::to_string(value));
  return texts;
}

class Printer {
 public:
  explicit Printer(const Tensor& tensor)
      : shape_(tensor.shape()), strides_(contiguous_strides(shape_)) {
    bool summarise = tensor.elements() > kSummariseAbove;
    for (int axis = 0; axis < shape_.rank(); ++axis)
      shown_.push_back(shown_positions(shape_[axis], summarise));
    collect(0, 0);
    bool real =
        tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64 || is_half(tensor.dtype());
    texts_ = real ? texts_of(chosen(tensor.to_vector<double>()))
                  : texts_of(chosen(tensor.to_vector<int64_t>()));
    for (const std::string& text : texts_) width_ = std::max(width_, text.size());
  }

  std::string print() {
    next_ = 0;
    return shape_.rank() == 0 ? texts_[0] : print_axis(0);
  }

 private:
  // Collects element numbers in the order in which print() uses them.
  void collect(int axis, int64_t offset) {
    if (axis == shape_.rank()) return elements_.push_back(static_cast<size_t>(offset));
    auto position = static_cast<size_t>(axis);
    for (int64_t index : shown_[position])
      if (index != kEllipsis) collect(axis + 1, offset + index * strides_[position]);
  }

  template <class T>
  std::vector<T> chosen(const std::vector<T>& all) const {
    std::vector<T> values;
    for (size_t element : elements_) values.push_back(all[element]);
    return values;
  }

  std::string print_axis(int axis) {
    if (axis == shape_.rank() - 1) return print_row();
    auto position = static_cast<size_t>(axis);
    std::string separator(",");
    separator.append(static_cast<size_t>(shape_.rank() - 1 - axis), '\n');
    separator.append(position + 1, ' ');
    std::string text = "[";
    for (int64_t index : shown_[position]) {
      if (text.size() > 1) text += separator;
      text += index == kEllipsis ? "..." : print_axis(axis + 1);
    }
    return text + "]";
  }

  std::string print_row() {
    size_t indent = static_cast<size_t>(shape_.rank());
    size_t per_line = std::max<size_t>(1, (kLineWidth - indent) / (width_ + 2));
    std::string text = "[";
    std::string line_break(",\n");
    line_break.append(indent, ' ');
    size_t count = 0;
    for (int64_t index : shown_.back()) {
      if (count > 0) text += count % per_line == 0 ? line_break : ", ";
      ++count;
      if (index == kEllipsis) {
        text += " ...";
        continue;
      }
      const std::string& element = texts_[next_++];
      text.append(width_ - element.size(), ' ').append(element);
    }
    return text + "]";
  }

  Shape shape_;
  Strides strides_;
  std::vector<std::vector<int64_t>> shown_;  // per axis
  std::vector<size_t> elements_;
  std::vector<std::string> texts_;
  size_t width_ = 0;
  size_t next_ = 0;  // index of the next text to print
};

}  // namespace

std::string Tensor::to_string() const {
  check(defined(), "to_string: expected a tensor, found an undefined one");
  if (elements() > 0) return Printer(*this).print();
  return rank() == 1 ? "[]" : concat("[] of shape ", shape_);
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << tensor.to_string();
}

}  // namespace d2l
