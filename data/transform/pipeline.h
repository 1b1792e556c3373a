#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/transform/view.h"
#include "framework/backend/augmentation.h"
#include "framework/base/rng.h"

namespace d2l::data {

// The steps from a stored image to a network's input. Steps that change the size of single images
// (resize, crops) run on the host, in the loader's threads; arithmetic on images of equal size runs
// on the device that computes. Random values depend only on the key, which the caller derives from
// seed and epoch, and on the sample's number.
class Pipeline {
 public:
  Pipeline() = default;  // no steps

  // Steps separated by ',', each a name, values and named values:
  // "random-resized-crop 224 scale 0.08..1 ratio 3/4..4/3, flip 0.5, brightness 0.4". Throws Error
  // that names the step, what was expected and what was found.
  static Pipeline parse(const std::string& text);

  // All steps with all their values: parse(p.text()) is equal to p. "none" without steps.
  std::string text() const;
  bool operator==(const Pipeline&) const = default;

  // The steps of the device.
  const Augmentation& on_device() const;
  bool sets_size() const;  // a step determines the size of the results

  // The shape of the results for images of this shape; height and width 0: they differ. Throws
  // Error if the results would differ in size, or if a crop does not fit.
  Shape result_shape(const Shape& images) const;

  // What to read of a sample whose image has the shape `image`.
  View view(const Shape& image, RngKey key, int64_t sample) const;

  // Applies the host's steps that follow (rand-augment) to the pixels that view() describes.
  void finish(uint8_t* pixels, const Shape& shape, RngKey key, int64_t sample) const;
};

}  // namespace d2l::data
