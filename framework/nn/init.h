#pragma once

#include <functional>
#include <span>

#include "framework/base/rng.h"
#include "framework/base/shape.h"

namespace d2l::nn {

// Fills the values of a parameter of this shape; draw i of the key belongs to element i.
using Initializer = std::function<void(RngKey key, const Shape& shape, std::span<float> values)>;

Initializer constant(float value);
Initializer uniform(double low, double high);
Initializer normal(double mean, double std);
// Glorot and Bengio, 2010 (chapter 4.8): uniform within sqrt(6 / (fan_in + fan_out)). The first
// axis is the output, the last the input, those between the window of a convolution.
Initializer xavier_uniform();

}  // namespace d2l::nn
