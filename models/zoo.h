#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/nn/module.h"

namespace d2l::models {

struct ModelOptions {
  Shape input{28, 28, 1};  // H, W, C
  int64_t classes = 10;
  std::string init = {};  // "xavier", "normal" (weights N(0, .01)), or "" for the model's own
};

std::vector<std::string> model_names();
// Throws UsageError for an unknown name, with the nearest one.
void check_model_name(const std::string& name);
// Throws UsageError for an unknown name and Error for an input that does not fit.
std::unique_ptr<nn::Module> build_model(const std::string& name, const ModelOptions& options);

}  // namespace d2l::models
