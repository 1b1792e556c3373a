#pragma once

#include <functional>

#include "framework/nn/layers.h"

namespace d2l::models {

// Makes the "convolution" of an Inception block: with ReLU in the book, with batch norm and ReLU in
// later networks. It must keep height and width.
using ConvMaker =
    std::function<std::shared_ptr<nn::Module>(int64_t in, int64_t out, int64_t kernel)>;

// Szegedy et al., "Going deeper with convolutions", 2014 (chapter 7.4): four parallel paths; their
// results are concatenated along the channels. [n, h, w, in] -> [n, h, w, out].
class Inception final : public nn::Module {
 public:
  struct Channels {
    int64_t one;                  // branch1: 1 x 1
    int64_t before_three, three;  // branch2: 1 x 1, 3 x 3
    int64_t before_five, five;    // branch3: 1 x 1, 5 x 5
    int64_t pooled;               // branch4: max 3 x 3, 1 x 1
    int64_t out() const { return one + three + five + pooled; }
  };
  // `five_kernel`: the kernel of branch3; torchvision has 3 instead of the paper's 5.
  Inception(int64_t in, const Channels& channels, const ConvMaker& conv, int64_t five_kernel = 5);
  Variable forward(const Variable& x, const nn::Context& context) override;
};

}  // namespace d2l::models
