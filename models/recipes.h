#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace d2l::models {

// How a network of the same name is trained. The book's are trained on Fashion-MNIST with plain SGD
// and no schedule; `options` say what else others take.
struct Recipe {
  std::string name;
  double lr = 0.1;
  int64_t batch_size = 256;
  int64_t epochs = 10;
  std::string init = {};  // ModelOptions::init
  int64_t resize = 0;     // the side that images are resized to; 0: they stay as they are
  int64_t width = 1;      // ModelOptions::width
  // Other options of d2l-train and their values: {{"optimizer", "adam"}, {"label-smoothing",
  // ".1"}}.
  std::vector<std::pair<std::string, std::string>> options = {};
};

const std::vector<Recipe>& recipes();
// Throws UsageError for an unknown name, with the nearest one.
const Recipe& find_recipe(const std::string& name);

}  // namespace d2l::models
