#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/transform/view.h"
#include "framework/backend/augmentation.h"
#include "framework/base/rng.h"

namespace d2l::data {

// An interval of positive numbers.
struct Interval {
  double low = 0, high = 0;
  bool operator==(const Interval&) const = default;
};

enum class Crop { none, random_resized, random, center };

// The steps of the host.
struct HostSteps {
  // Of the result of `resize`. Width 0: the shorter side gets `resize_height` pixels, the other one
  // as many as keep the aspect ratio. Both 0: no such step.
  int64_t resize_height = 0, resize_width = 0;
  Filter filter = Filter::bilinear;  // of resize or random-resized-crop

  Crop crop = Crop::none;
  int64_t crop_height = 0, crop_width = 0;
  // Of the rectangle that random-resized-crop takes: its part of the image's area, and its width
  // divided by its height.
  Interval scale{0.08, 1.0}, ratio{3.0 / 4, 4.0 / 3};

  int64_t operations = 0, magnitude = 0;  // of rand-augment

  bool operator==(const HostSteps&) const = default;
};

// The steps from a stored image to a network's input. Steps that change the size of single images
// (resize, crops) and rand-augment run on the host, in the loader's threads; arithmetic on images
// of equal size runs on the device that computes. Random values depend only on the key, which the
// caller derives from seed and epoch, and on the sample's number.
class Pipeline {
 public:
  Pipeline() = default;  // no steps

  // Steps separated by ',', each a name, values and named values, in the order in which they are
  // applied: "random-resized-crop 224 scale 0.08..1 ratio 3/4..4/3, flip 0.5, brightness 0.4".
  // docs/training.md lists all steps. Throws Error that names the step, what was expected and what
  // was found.
  static Pipeline parse(const std::string& text);

  // All steps with all their values: parse(p.text()) is equal to p. "none" without steps.
  std::string text() const;
  bool operator==(const Pipeline&) const = default;

  const Augmentation& on_device() const { return device_; }
  bool sets_size() const;  // has a step that determines or changes the size
  bool is_random() const;  // the result depends on random values

  // The same with "resize SIZExSIZE" in front. Expects that no step sets the size.
  Pipeline resized(int64_t size) const;
  // What fits to evaluate a network that is trained on the results of this pipeline: the same sizes
  // without random steps. random-resized-crop S becomes resize round(8/7 S), center-crop S;
  // random-crop becomes center-crop.
  Pipeline for_evaluation() const;

  // The shape of the results for images of this shape; height and width 0: the images differ in
  // size. The rows of a table, of rank 1, stay as they are. Throws Error if the results would
  // differ in size, if a crop may not fit, and for rows if there are steps.
  Shape result_shape(const Shape& images) const;

  // What to read of a sample whose image has the shape `image`. Throws Error if a crop does not
  // fit. As torchvision's Resize, CenterCrop, RandomCrop and RandomResizedCrop compute it.
  ImageView view(const Shape& image, RngKey key, int64_t sample) const;

  // Applies the host's steps that follow (rand-augment) to the pixels that view() describes.
  // `shape`: height, width, channels, which are 1 or 3.
  void finish(uint8_t* pixels, const Shape& shape, RngKey key, int64_t sample) const;
  bool finishes() const { return host_.operations > 0; }  // otherwise finish() does nothing

 private:
  Pipeline(const HostSteps& host, const Augmentation& device) : host_(host), device_(device) {}

  HostSteps host_;
  Augmentation device_;
};

}  // namespace d2l::data
