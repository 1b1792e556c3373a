#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::models {

// How the book trains a network on Fashion-MNIST: plain SGD, no schedule.
struct Recipe {
  std::string name;
  std::string model;
  double lr = 0.1;
  int64_t batch_size = 256;
  int64_t epochs = 10;
  std::string init;  // ModelOptions::init
};

const std::vector<Recipe>& recipes();
// Throws UsageError for an unknown name, with the nearest one.
const Recipe& find_recipe(const std::string& name);

}  // namespace d2l::models
