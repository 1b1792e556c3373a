#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data {

// The filters of Pillow's Image.resize. When they shrink, all but `nearest` average over as many
// pixels as one result pixel covers.
enum class Filter { nearest, box, bilinear, hamming, bicubic, lanczos };

std::string to_string(Filter filter);
Filter filter_from(const std::string& text);  // throws Error for an unknown name

// One axis of resizing: the part [begin, end) of `from` pixels becomes `to` pixels.
struct AxisPart {
  double begin = 0, end = 0;
  int64_t from = 0, to = 0;
};

// Result i is the sum over t in [0, taps) of weights[i * taps + t] times pixel first[i] + t. The
// pixels are in [0, from); the weights of a result have the sum 1. Same numbers as in Pillow 12.
struct AxisWeights {
  int64_t taps = 0;
  std::vector<int32_t> first;
  std::vector<double> weights;

  // Throws Error unless the part is inside the pixels and nothing is empty. The memory is reused.
  void assign(const AxisPart& part, Filter filter);
  // All pixels with weights: [begin, end).
  int64_t begin() const;
  int64_t end() const;
};

// How far the filter reaches from the centre of a result, in pixels.
double reach_of(const AxisPart& part, Filter filter);

}  // namespace d2l::data
