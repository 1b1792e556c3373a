#pragma once

#include <string>
#include <vector>

#include "data/transform/pipeline.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct AugmentationConfig {
  data::Pipeline augment;         // of training images
  data::Pipeline eval_transform;  // of test images

  bool operator==(const AugmentationConfig&) const = default;
};

std::string text_of(const data::Pipeline& value);
void parse(const std::string& label, const std::string& text, data::Pipeline& value);

std::vector<Option> augmentation_options();
void check_augmentation(const Config& config, const Given& given);

}  // namespace d2l::launcher
