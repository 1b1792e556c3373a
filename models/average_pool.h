#pragma once

#include "framework/nn/layers.h"

namespace d2l::models {

// The adaptive average pooling of torchvision's networks: the output of the convolutions, of any
// size, becomes a grid of fixed size for the linear layers. Here it is a plain average pooling, so
// the output's sides must be multiples of the grid's side.
struct Grid {
  const char* model;
  int64_t side;
  int64_t (*output_side)(int64_t side);  // side of the convolutions' output for an image's side
};

// Appends the pooling, or nothing if it changes nothing. Throws Error naming the valid sides.
void append_average_pool(const Grid& grid, const Shape& input, nn::Sequential& net);

}  // namespace d2l::models
