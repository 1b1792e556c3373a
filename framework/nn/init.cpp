#include "framework/nn/init.h"

#include <cmath>

namespace d2l::nn {
namespace {

double window_of(const Shape& shape) {
  return static_cast<double>(shape.elements(1, shape.rank() - 1));
}

}  // namespace

Initializer constant(float value) {
  return [value](RngKey, const Shape&, std::span<float> values) {
    for (float& element : values) element = value;
  };
}

Initializer uniform(double low, double high) {
  return [low, high](RngKey key, const Shape&, std::span<float> values) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(low + (high - low) * random_uniform(key, i));
  };
}

Initializer normal(double mean, double std) {
  return [mean, std](RngKey key, const Shape&, std::span<float> values) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(mean + std * random_normal(key, i));
  };
}

Initializer xavier_uniform() {
  return [](RngKey key, const Shape& shape, std::span<float> values) {
    double fans = window_of(shape) * static_cast<double>(shape.size(0) + shape.size(-1));
    double bound = std::sqrt(6.0 / fans);
    uniform(-bound, bound)(key, shape, values);
  };
}

Initializer kaiming_normal() {
  return [](RngKey key, const Shape& shape, std::span<float> values) {
    double fan_out = window_of(shape) * static_cast<double>(shape.size(0));
    normal(0, std::sqrt(2.0 / fan_out))(key, shape, values);
  };
}

Initializer fan_in_uniform() {
  return [](RngKey key, const Shape& shape, std::span<float> values) {
    double fan_in = window_of(shape) * static_cast<double>(shape.size(-1));
    double bound = 1.0 / std::sqrt(fan_in);
    uniform(-bound, bound)(key, shape, values);
  };
}

}  // namespace d2l::nn
