#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/formats/image.h"
#include "data/transform/pipeline.h"

namespace d2l::data_tool {

// The value of --augment. Throws UsageError.
data::Pipeline parse_augment(const std::string& steps);

// What a network gets of the samples in the first epoch of a training with this seed, without the
// normalisation, as bytes; mixup and cutmix mix neighbours in `samples`. Sets the labels, too.
// Throws Error if the steps do not fit the images.
struct AugmentedImages {
  std::vector<data::Image> images;
  std::vector<int64_t> labels;
};
AugmentedImages augment(const data::Dataset& dataset, const data::Pipeline& pipeline,
                        std::vector<int64_t> samples, uint64_t seed);

}  // namespace d2l::data_tool
