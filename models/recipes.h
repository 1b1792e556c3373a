#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace d2l::models {

// How the network of the same name is trained. The book's networks are trained on Fashion-MNIST
// with plain SGD and no schedule; others set more in `options`.
struct Recipe {
  std::string name;
  double lr = 0.1;
  int64_t batch_size = 256;
  int64_t epochs = 10;
  std::string init = {};  // ModelOptions::init
  int64_t resize = 0;     // images are resized to this side; 0: not resized
  int64_t width = 1;      // ModelOptions::width
  // Other options of d2l-train and their values: {{"optimizer", "adam"}, {"label-smoothing",
  // ".1"}}.
  std::vector<std::pair<std::string, std::string>> options = {};
};

const std::vector<Recipe>& recipes();
std::vector<std::string> recipe_names();
// Throws UsageError for an unknown name, with the nearest one.
const Recipe& find_recipe(const std::string& name);

}  // namespace d2l::models
