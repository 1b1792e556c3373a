#include "framework/weights/match.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "framework/base/error.h"
#include "framework/weights/match_layers.h"

namespace d2l::weights {
namespace {

constexpr const char* kCounter = "num_batches_tracked";

bool is_convolution(const ModelArray& array) { return array.shape.rank() == 4; }

// Of a convolution's weight.
int axis_of_inputs(Layout layout) {
  switch (layout) {
    case Layout::channels_first:
      return 1;
    case Layout::channels_last:
      return 3;
    case Layout::outputs_last:
      return 2;
  }
  fail("unknown layout ", static_cast<int>(layout));
}

// Whether the columns of a matrix in the network are its rows in the file.
bool is_transposed(const ModelArray& array, Layout layout) {
  return layout == Layout::outputs_last && array.shape.rank() >= 2;
}

std::unordered_map<std::string, size_t> positions_of(const std::vector<ModelArray>& arrays) {
  std::unordered_map<std::string, size_t> positions;
  for (size_t i = 0; i < arrays.size(); ++i) positions[arrays[i].name] = i;
  return positions;
}

bool is_average(const std::string& prefix) {
  return prefix.find("ema") != std::string::npos || prefix.find("average") != std::string::npos;
}

// The prefix with which most names of the file are names of the network.
std::string best_prefix(const std::unordered_map<std::string, size_t>& positions,
                        const std::vector<WeightInfo>& weights) {
  std::map<std::string, size_t> counts;
  for (const WeightInfo& weight : weights)
    for (size_t begin = 0; begin != std::string::npos;) {
      if (positions.count(weight.name.substr(begin)) > 0) ++counts[weight.name.substr(0, begin)];
      const size_t dot = weight.name.find('.', begin);
      begin = dot == std::string::npos ? dot : dot + 1;
    }
  const auto is_worse = [](const auto& a, const auto& b) {
    if (a.second != b.second) return a.second < b.second;
    if (is_average(a.first) != is_average(b.first)) return is_average(b.first);
    return a.first.size() > b.first.size();
  };
  const auto best = std::max_element(counts.begin(), counts.end(), is_worse);
  return best == counts.end() ? "" : best->first;
}

// Elements [matrices, rows, columns] -> [matrices, columns, rows].
std::vector<float> transposed(const std::vector<float>& from, size_t rows, size_t columns) {
  if (rows == 1 || columns == 1) return from;
  std::vector<float> to(from.size());
  for (size_t begin = 0; begin < from.size(); begin += rows * columns)
    for (size_t row = 0; row < rows; ++row)
      for (size_t column = 0; column < columns; ++column)
        to[begin + column * rows + row] = from[begin + row * columns + column];
  return to;
}

// The weight [..., found] of a convolution becomes one of [..., wanted] channels.
std::vector<float> with_inputs(const std::vector<float>& from, int64_t found, int64_t wanted) {
  if (found == wanted) return from;
  const size_t pixels = from.size() / static_cast<size_t>(found);
  std::vector<float> to(pixels * static_cast<size_t>(wanted));
  const float scale = static_cast<float>(found) / static_cast<float>(wanted);
  for (size_t i = 0; i < pixels; ++i) {
    const float* source = from.data() + i * static_cast<size_t>(found);
    float* target = to.data() + i * static_cast<size_t>(wanted);
    if (wanted == 1)
      for (int64_t k = 0; k < found; ++k) *target += source[k];
    else
      for (int64_t k = 0; k < wanted; ++k) target[k] = source[k % found] * scale;
  }
  return to;
}

struct Image {
  size_t pixels = 1, channels = 1;
};

// The images in the rows of `array`, whose channels come first in files of other programs; one
// pixel with one channel if there are none.
Image image_of(const ModelArray& array, Layout layout) {
  const Shape image = is_convolution(array) ? array.shape.without_axis(0) : array.image;
  if (layout != Layout::channels_first || image.rank() != 3) return {};
  return {static_cast<size_t>(image[0] * image[1]), static_cast<size_t>(image[2])};
}

}  // namespace

bool fits(const ModelArray& array, const Shape& found, Layout layout) {
  const Shape wanted = shape_in_file(array, layout);
  if (found == wanted) return true;
  const int inputs = axis_of_inputs(layout);
  return array.reads_input && is_convolution(array) && found.rank() == 4 && found[inputs] > 0 &&
         found.with_size(inputs, wanted[inputs]) == wanted;
}

bool Match::fits_body(const std::vector<ModelArray>& arrays) const {
  const auto is_head = [&](size_t array) { return arrays[array].is_head; };
  return !loaded.empty() && std::all_of(fresh.begin(), fresh.end(), is_head) &&
         std::all_of(mismatched.begin(), mismatched.end(),
                     [&](const ArrayPair& pair) { return is_head(pair.array); });
}

Match match(const std::vector<ModelArray>& arrays, const WeightFile& file) {
  if (file.layout() == Layout::outputs_last) return match_layers(arrays, file);
  const auto positions = positions_of(arrays);
  const std::vector<WeightInfo>& weights = file.weights();
  Match result;
  result.prefix = best_prefix(positions, weights);
  std::vector<bool> is_found(arrays.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::string& name = weights[i].name;
    const auto position = name.starts_with(result.prefix)
                              ? positions.find(name.substr(result.prefix.size()))
                              : positions.end();
    if (position == positions.end()) {
      if (!name.ends_with(kCounter)) result.unused.push_back(i);
      continue;
    }
    is_found[position->second] = true;
    const bool good = fits(arrays[position->second], weights[i].shape, file.layout());
    (good ? result.loaded : result.mismatched).push_back({position->second, i});
  }
  for (size_t i = 0; i < arrays.size(); ++i)
    if (!is_found[i]) result.fresh.push_back(i);
  return result;
}

Shape shape_in_file(const ModelArray& array, Layout layout) {
  const Shape& shape = array.shape;
  if (is_transposed(array, layout)) {
    Shape transposed_shape = shape.without_axis(0);
    transposed_shape.append(shape[0]);
    return transposed_shape;
  }
  if (layout == Layout::channels_last || !is_convolution(array)) return shape;
  return {shape[0], shape[3], shape[1], shape[2]};
}

std::vector<float> read_array(const ModelArray& array, const WeightFile& file, size_t weight) {
  const Shape& found = file.weights()[weight].shape;
  const Layout layout = file.layout();
  check(fits(array, found, layout), file.path().string(), ": expected ", array.name, " of shape ",
        shape_in_file(array, layout), ", found ", found);
  std::vector<float> values = file.read(weight);
  ModelArray stored = array;  // with the file's number of input channels
  if (is_convolution(array)) stored.shape[3] = found[axis_of_inputs(layout)];
  if (is_transposed(array, layout)) {
    const auto outputs = static_cast<size_t>(array.shape[0]);
    values = transposed(values, values.size() / outputs, outputs);
  }
  const Image image = image_of(stored, layout);
  values = transposed(values, image.channels, image.pixels);
  return is_convolution(array) ? with_inputs(values, stored.shape[3], array.shape[3]) : values;
}

std::vector<float> to_layout(const ModelArray& array, const std::vector<float>& values,
                             Layout layout) {
  if (is_transposed(array, layout)) {
    const auto outputs = static_cast<size_t>(array.shape[0]);
    return transposed(values, outputs, values.size() / outputs);
  }
  const Image image = image_of(array, layout);
  return transposed(values, image.pixels, image.channels);
}

}  // namespace d2l::weights
