#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

struct ImageConfig {
  std::string normalize = "none";  // see normalization.h

  bool operator==(const ImageConfig&) const = default;
};

std::vector<Option> image_options();
void check_images(const Config& config, const Given& given);

}  // namespace d2l::launcher
