#pragma once

#include <vector>

#include "framework/backend/augmentation.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

std::vector<Option> augmentation_options();

}  // namespace d2l::launcher
