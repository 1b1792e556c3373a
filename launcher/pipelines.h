#pragma once

#include <string>

#include "data/transform/pipeline.h"
#include "framework/base/shape.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// How images of training and evaluation are prepared.
struct Pipelines {
  data::Pipeline train, eval;
  std::string note;  // what to tell the user, or ""
};

// From --augment, --eval-transform and --resize, which stands for "resize NxN" where no step sets
// the size.
Pipelines pipelines_of(const Config& config);

// The shapes of the results for images of the shape `images`; height and width 0: the images differ
// in size. Throws UsageError naming the option if a step does not fit.
Shape train_shape(const Pipelines& pipelines, const Shape& images);
Shape eval_shape(const Pipelines& pipelines, const Shape& images);

}  // namespace d2l::launcher
