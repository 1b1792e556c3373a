#pragma once

#include <functional>
#include <span>

#include "framework/base/rng.h"
#include "framework/base/shape.h"

namespace d2l::nn {

// Fills the values of a parameter of this shape. Element i comes from draw i of the key.
using Initializer = std::function<void(RngKey key, const Shape& shape, std::span<float> values)>;

Initializer constant(float value);
Initializer uniform(double low, double high);
Initializer normal(double mean, double std);
// Glorot and Bengio, 2010 (chapter 4.8): uniform within sqrt(6 / (fan_in + fan_out)). The first
// axis is the output, the last is the input; axes between them are a convolution's window.
Initializer xavier_uniform();
// He et al., "Delving deep into rectifiers", 2015: N(0, sqrt(2 / fan_out)). Keeps the size of
// gradients constant through layers that end in ReLU. Axes as above.
Initializer kaiming_normal();
// Uniform within 1 / sqrt(fan_in), PyTorch's default for linear layers. Axes as above.
Initializer fan_in_uniform();

}  // namespace d2l::nn
