#include "data/pixel_sums.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr uint64_t kMostSteps = 65536;  // squares of bytes that fit into 32 bits

}  // namespace

void PixelSums::add(const PixelSums& other) {
  const size_t channels = other.values.size();
  check(other.squares.size() == channels, "sums of pixels: expected as many sums of squares as of ",
        "values, found ", other.squares.size(), " and ", channels);
  if (values.empty()) {
    values.resize(channels);
    squares.resize(channels);
  }
  check(values.size() == channels, "sums of pixels: expected ", values.size(), " channels, found ",
        channels);
  check(other.pixels <= kMostPixels - pixels, "sums of pixels: expected at most ", kMostPixels,
        " pixels");
  pixels += other.pixels;
  for (size_t channel = 0; channel < channels; ++channel) {
    values[channel] += other.values[channel];
    squares[channel] += other.squares[channel];
  }
}

void PixelSums::add(const uint8_t* image, const Shape& shape) {
  const auto channels = static_cast<size_t>(shape[2]);
  PixelSums sums;
  sums.pixels = static_cast<uint64_t>(shape[0] * shape[1]);
  sums.values.resize(channels);
  sums.squares.resize(channels);
  // Neighbouring bytes are added to different sums, so that the compiler can use vectors.
  const size_t lanes = 16 * channels, bytes = sums.pixels * channels;
  std::vector<uint32_t> lane_values(lanes), lane_squares(lanes);
  for (size_t begin = 0; begin < bytes;) {
    const size_t end = std::min(bytes, begin + kMostSteps * lanes);
    for (; begin < end; begin += lanes) {
      const size_t used = std::min(lanes, end - begin);
      for (size_t lane = 0; lane < used; ++lane) {
        const uint32_t value = image[begin + lane];
        lane_values[lane] += value;
        lane_squares[lane] += value * value;
      }
    }
    begin = end;
    for (size_t lane = 0; lane < lanes; ++lane) {
      sums.values[lane % channels] += std::exchange(lane_values[lane], 0);
      sums.squares[lane % channels] += std::exchange(lane_squares[lane], 0);
    }
  }
  add(sums);
}

std::vector<double> PixelSums::mean() const {
  std::vector<double> means;
  for (uint64_t sum : values)
    means.push_back(static_cast<double>(sum) / static_cast<double>(pixels) / 255);
  return means;
}

std::vector<double> PixelSums::deviation() const {
  std::vector<double> deviations;
  for (size_t channel = 0; channel < values.size(); ++channel) {
    // Long: the two terms may be almost equal.
    const auto count = static_cast<long double>(pixels);
    const long double mean = static_cast<long double>(values[channel]) / count;
    const long double variance = static_cast<long double>(squares[channel]) / count - mean * mean;
    deviations.push_back(static_cast<double>(std::sqrt(std::max(variance, 0.0L)) / 255));
  }
  return deviations;
}

}  // namespace d2l::data
