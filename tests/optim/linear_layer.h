#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "framework/nn/layers.h"
#include "framework/optim/optimizer.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {

inline constexpr int kSteps = 4;

// A layer to optimize, with artificial gradients.
class LinearLayer : public testing::Test {
 protected:
  nn::Linear layer{3, 2};
  nn::ParameterSet set{layer, device(), 1};

  // Gradient of every element at a step.
  static double gradient(size_t i, int step) {
    return std::sin(static_cast<double>(i) + 1.7 * step);
  }
  // Sets the gradients, runs kSteps steps and returns the arena.
  std::vector<float> run(Optimizer& optimizer, double lr) {
    for (int step = 1; step <= kSteps; ++step) {
      give(step);
      optimizer.step(lr);
    }
    return set.values().to_vector<float>();
  }
  void give(int step) {
    std::vector<float> gradients = set.gradients().to_vector<float>();
    for (const auto& slot : set.slots())
      for (int64_t i = slot.begin; !slot.frozen && i < slot.begin + slot.shape.elements(); ++i)
        gradients[i] = static_cast<float>(gradient(static_cast<size_t>(i), step));
    set.gradients().copy_from(from_vector(device(), set.gradients().shape(), gradients));
  }
};

// Saves the visited state, or restores it.
class Keeper : public StateVisitor {
 public:
  bool restoring = false;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, int64_t> integers;
  std::vector<std::string> names;

  void tensor(const std::string& name, Tensor& value) override {
    names.push_back(name);
    if (restoring)
      value.copy_from(tensors.at(name));
    else
      tensors[name] = value.clone();
  }
  void integer(const std::string& name, int64_t& value) override {
    names.push_back(name);
    if (restoring)
      value = integers.at(name);
    else
      integers[name] = value;
  }
  void optional_integer(const std::string& name, int64_t& value) override {
    if (restoring ? integers.contains(name) : value != 0) integer(name, value);
  }
  void real(const std::string& name, double&) override { names.push_back(name); }
};

}  // namespace d2l::test
