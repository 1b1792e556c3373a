#pragma once

#include "framework/nn/layers.h"

namespace d2l::models {

// The blocks of He et al., "Deep residual learning for image recognition", 2015 (chapter 7.6):
// activation(convolutions(x) + shortcut(x)).

struct BlockOptions {
  int64_t stride = 1;
  bool bias = false;  // of the convolutions
  nn::LayerInit init = {};
  // The module that maps x to the shape of the result, and its name; without it the shortcut is x.
  std::shared_ptr<nn::Module> shortcut = {};
  const char* shortcut_name = "shortcut";
};

// Two 3 x 3 convolutions, the first with the stride: conv1, bn1, conv2, bn2.
class BasicBlock final : public nn::Module {
 public:
  static constexpr int64_t kExpansion = 1;

  BasicBlock(int64_t in, int64_t out, const BlockOptions& options);
  Variable forward(const Variable& x, const nn::Context& context) override;

 private:
  std::shared_ptr<nn::Conv2d> conv1_, conv2_;
  std::shared_ptr<nn::BatchNorm> bn1_, bn2_;
  std::shared_ptr<nn::Module> shortcut_;
};

// 1 x 1 to `middle` channels, 3 x 3 with the stride (as in "v1.5"; the paper has the stride in the
// first), 1 x 1 to 4 middle channels: conv1, bn1, conv2, bn2, conv3, bn3.
class Bottleneck final : public nn::Module {
 public:
  static constexpr int64_t kExpansion = 4;  // of `middle` in the result

  Bottleneck(int64_t in, int64_t middle, const BlockOptions& options);
  Variable forward(const Variable& x, const nn::Context& context) override;

 private:
  std::shared_ptr<nn::Conv2d> conv1_, conv2_, conv3_;
  std::shared_ptr<nn::BatchNorm> bn1_, bn2_, bn3_;
  std::shared_ptr<nn::Module> shortcut_;
};

// A shortcut: a 1 x 1 convolution without bias and its batch norm, named 0 and 1.
class Projection final : public nn::Sequential {
 public:
  Projection(int64_t in, int64_t out, int64_t stride, const nn::LayerInit& init);
};

// The shortcut without parameters (the paper's option A): takes every `stride`-th row and column
// and pads with zero channels, half of them on each side. [n, h, w, in] -> [n, oh, ow, out], sizes
// rounded up.
class PaddedSubsample final : public nn::Module {
 public:
  PaddedSubsample(int64_t in, int64_t out, int64_t stride);
  Variable forward(const Variable& x, const nn::Context& context) override;

 private:
  int64_t before_, after_, stride_;
};

}  // namespace d2l::models
