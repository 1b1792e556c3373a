#pragma once

#include <string>

namespace d2l::launcher {

// What --list-models prints: a line for each network of the zoo with what it was published for
// (models::usual_options): parameters, multiply-adds of a forward pass of one image, input.
std::string model_table();

}  // namespace d2l::launcher
