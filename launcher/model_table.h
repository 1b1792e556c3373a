#pragma once

#include <string>

namespace d2l::launcher {

// The text of --list-models: a line for each network of the zoo with the options that it was
// published for (models::usual_options): parameters, multiply-adds of the forward pass of one
// image, input.
std::string model_table();

}  // namespace d2l::launcher
