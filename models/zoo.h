#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/nn/module.h"

namespace d2l::models {

struct ModelOptions {
  Shape input{28, 28, 1};  // H, W, C of images, or the values of a row
  int64_t classes = 10;    // outputs: one per class, or 1 that predicts a number
  std::string init = {};   // "xavier", "normal" (weights N(0, .01)), or "" for the model's own
  int64_t width = 1;       // divides the channels
};

std::vector<std::string> model_names();
// The options that the model was published for: 28 x 28 x 1 in 10 classes, 224 x 224 x 3 in 1000
// and so on.
ModelOptions usual_options(const std::string& name);
// Throws UsageError for an unknown name, with the nearest one.
void check_model_name(const std::string& name);
// Throws UsageError for an unknown name and for a width that the model does not support, and Error
// for an input that does not fit.
std::unique_ptr<nn::Module> build_model(const std::string& name, const ModelOptions& options);

}  // namespace d2l::models
