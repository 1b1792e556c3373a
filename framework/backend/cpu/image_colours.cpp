#include "framework/backend/cpu/image_colours.h"

#include <algorithm>

#include "framework/backend/cpu/floats.h"
#include "framework/backend/images.h"
#include "framework/base/simd.h"

namespace d2l::cpu {
namespace {

using images::ColourChange;
using images::ColourStep;

constexpr int64_t kBlock = 512;  // pixels changed at a time, in L1

D2L_SIMD void load_grey(const uint8_t* image, int64_t count, float* grey) {
  for (int64_t i = 0; i < count; ++i) grey[i] = static_cast<float>(image[i]) / 255.0f;
}
D2L_SIMD void load_colours(const uint8_t* image, int64_t count, float* red, float* green,
                           float* blue) {
  for (int64_t i = 0; i < count; ++i) {
    red[i] = static_cast<float>(image[3 * i]) / 255.0f;
    green[i] = static_cast<float>(image[3 * i + 1]) / 255.0f;
    blue[i] = static_cast<float>(image[3 * i + 2]) / 255.0f;
  }
}

D2L_SIMD void brighten(float* values, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) values[i] = images::brightened(values[i], factor);
}
D2L_SIMD void stretch(float* values, int64_t count, float grey, float factor) {
  for (int64_t i = 0; i < count; ++i) values[i] = images::stretched(values[i], grey, factor);
}
D2L_SIMD void saturate(float* red, float* green, float* blue, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) images::saturate(red[i], green[i], blue[i], factor);
}
D2L_SIMD void turn_hue(float* red, float* green, float* blue, int64_t count, float turn) {
  for (int64_t i = 0; i < count; ++i) images::turn_hue(red[i], green[i], blue[i], turn);
}

// At most kBlock values: the sums fit into 32 bits.
D2L_SIMD int32_t sum_values(const float* values, int64_t count) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += images::grey_units(values[i]);
  return sum;
}
D2L_SIMD int32_t sum_greys(const float* red, const float* green, const float* blue, int64_t count) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += images::grey_units(images::grey_of(red[i], green[i], blue[i]));
  return sum;
}

D2L_SIMD void normalise(float* values, int64_t count, float mean, float deviation) {
  for (int64_t i = 0; i < count; ++i) values[i] = images::normalised(values[i], mean, deviation);
}

template <class T>
D2L_SIMD void store_grey(const float* grey, int64_t count, T* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(grey[i]);
}
template <class T>
D2L_SIMD void store_colours(const float* red, const float* green, const float* blue, int64_t count,
                            T* y) {
  for (int64_t i = 0; i < count; ++i) {
    y[3 * i] = static_cast<T>(red[i]);
    y[3 * i + 1] = static_cast<T>(green[i]);
    y[3 * i + 2] = static_cast<T>(blue[i]);
  }
}

}  // namespace

ColourChanger::ColourChanger(int64_t pixels, int64_t channels, const float* mean,
                             const float* deviation)
    : pixels_(pixels), channels_(channels) {
  for (int64_t i = 0; i < channels; ++i) {
    mean_[i] = mean == nullptr ? 0.0f : mean[i];
    deviation_[i] = mean == nullptr ? 1.0f : deviation[i];
  }
}

ColourChanger::ColourPlanes ColourChanger::planes(int64_t at, int64_t count) {
  float* begin = memory_.data() + at * channels_;
  ColourPlanes planes{{begin, begin, begin}, count};
  for (int64_t i = 1; i < channels_; ++i) planes.of[i] = begin + i * count;
  return planes;
}

void ColourChanger::load(const uint8_t* image, const ColourPlanes& planes) const {
  const auto& [red, green, blue] = planes.of;
  if (channels_ == 1) return load_grey(image, planes.count, red);
  load_colours(image, planes.count, red, green, blue);
}

int64_t ColourChanger::sum_of_greys(const ColourPlanes& planes) const {
  const auto& [red, green, blue] = planes.of;
  return channels_ == 1 ? sum_values(red, planes.count) : sum_greys(red, green, blue, planes.count);
}

void ColourChanger::change_steps(const ColourChange& change, int begin, int end, float grey,
                                 const ColourPlanes& planes) const {
  const auto& [red, green, blue] = planes.of;
  const int64_t values = channels_ * planes.count;
  for (int i = begin; i < end; ++i) {
    const ColourStep step = change.step(i);
    if (step == ColourStep::brightness) brighten(red, values, change.brightness);
    if (step == ColourStep::contrast) stretch(red, values, grey, change.contrast);
    if (step == ColourStep::saturation) saturate(red, green, blue, planes.count, change.saturation);
    if (step == ColourStep::hue) turn_hue(red, green, blue, planes.count, change.turn);
  }
}

template <class T>
void ColourChanger::store(const ColourPlanes& planes, T* y) const {
  for (int64_t i = 0; i < channels_; ++i)
    normalise(planes.of[i], planes.count, mean_[i], deviation_[i]);
  const auto& [red, green, blue] = planes.of;
  if (channels_ == 1) return store_grey(red, planes.count, y);
  store_colours(red, green, blue, planes.count, y);
}

template <class T>
void ColourChanger::apply(const uint8_t* image, const ColourChange& change, T* y) {
  int contrast = 0;  // its place among the steps
  while (contrast < change.count && change.step(contrast) != ColourStep::contrast) ++contrast;
  const bool needs_grey = contrast < change.count;
  memory_.resize(
      static_cast<size_t>((needs_grey ? pixels_ : std::min(pixels_, kBlock)) * channels_));

  int64_t greys = 0;
  for (int64_t first = 0; first < pixels_; first += kBlock) {
    const ColourPlanes block = planes(needs_grey ? first : 0, std::min(kBlock, pixels_ - first));
    load(image + first * channels_, block);
    change_steps(change, 0, contrast, 0, block);
    if (needs_grey)
      greys += sum_of_greys(block);
    else
      store(block, y + first * channels_);
  }
  if (!needs_grey) return;
  const float grey = images::mean_grey(greys, pixels_);
  for (int64_t first = 0; first < pixels_; first += kBlock) {
    const ColourPlanes block = planes(first, std::min(kBlock, pixels_ - first));
    change_steps(change, contrast, change.count, grey, block);
    store(block, y + first * channels_);
  }
}

template void ColourChanger::apply(const uint8_t*, const ColourChange&, float*);
template void ColourChanger::apply(const uint8_t*, const ColourChange&, Bfloat16*);

}  // namespace d2l::cpu
