#pragma once

#include <gmock/gmock.h>

#include "framework/nn/parameter_set.h"
#include "models/zoo.h"
#include "tests/support/support.h"

namespace d2l::models::test {

using namespace d2l::test;

// Whether a model takes seconds with any input and consists of parts of other models.
inline bool is_large(const std::string& name) {
  for (const char* begin :
       {"tv-alexnet", "tv-vgg", "tv-resnet101", "tv-resnet152", "vgg13", "vgg16"})
    if (name.starts_with(begin)) return true;
  return false;
}

// (Nearly) the smallest options of a model: small input, not square if possible, few channels and
// classes.
inline ModelOptions least_options(const std::string& name) {
  struct Least {
    const char* begin;
    Shape input;
    int64_t width;
  };
  static const Least kTable[] = {{"tv-alexnet", {223, 223, 3}, 1}, {"tv-vgg", {224, 224, 3}, 1},
                                 {"tv-", {33, 20, 3}, 1},          {"alexnet", {65, 66, 1}, 8},
                                 {"vgg", {32, 36, 1}, 32},         {"nin", {67, 70, 1}, 8},
                                 {"googlenet", {9, 17, 1}, 8},     {"resnet18", {9, 17, 1}, 8},
                                 {"densenet", {29, 33, 1}, 8},     {"resnet", {9, 13, 3}, 4}};
  for (const Least& least : kTable)
    if (name.starts_with(least.begin))
      return {.input = least.input, .classes = 4, .width = least.width};
  return usual_options(name);
}

// A model with initialised parameters and buffers.
struct Net {
  explicit Net(const std::string& name) : Net(name, least_options(name)) {}
  Net(const std::string& name, const ModelOptions& options)
      : model(build_model(name, options)), set(*model, device(), 1) {}

  std::unique_ptr<nn::Module> model;
  nn::ParameterSet set;
};

}  // namespace d2l::models::test
