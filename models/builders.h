#pragma once

#include "framework/nn/layers.h"
#include "models/zoo.h"

namespace d2l::models {

// The functions behind zoo.cpp's table; each file says which network it is.
std::unique_ptr<nn::Module> softmax_regression(const ModelOptions& options);
std::unique_ptr<nn::Module> mlp(const ModelOptions& options);
std::unique_ptr<nn::Module> dropout_mlp(const ModelOptions& options);
std::unique_ptr<nn::Module> lenet(const ModelOptions& options);
std::unique_ptr<nn::Module> bn_lenet(const ModelOptions& options);

// What options.init names, or `own` when it names nothing.
nn::LayerInit layer_init(const ModelOptions& options, const nn::LayerInit& own = {});

// The side of an image after a square window.
inline int64_t after(int64_t side, int64_t window, int64_t stride = 1, int64_t padding = 0) {
  return (side + 2 * padding - window) / stride + 1;
}

}  // namespace d2l::models
