#pragma once

#include "framework/nn/layers.h"

namespace d2l::models {

// torchvision's networks average what the convolutions leave, of any size, to a grid of fixed sides
// before the linear layers. Here that is a plain average pooling, for sides that are multiples of
// the grid's.
struct Grid {
  const char* model;
  int64_t side;
  int64_t (*left_of)(int64_t side);  // what the convolutions leave of an image's side
};

// Appends the pooling, or nothing where it changes nothing. Throws Error naming the sides that fit.
void then_average_to(const Grid& grid, const Shape& input, nn::Sequential& net);

}  // namespace d2l::models
