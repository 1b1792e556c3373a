#include "framework/nn/embedding.h"

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/embedding.h"
#include "framework/tensor/create.h"

namespace d2l::nn {
namespace {

Tensor sinusoids(Backend& backend, int64_t positions, int64_t width) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(positions * width));
  for (int64_t i = 0; i < positions; ++i)
    for (int64_t j = 0; j < width; j += 2) {
      const double power = static_cast<double>(j) / static_cast<double>(width);
      const double angle = static_cast<double>(i) / std::pow(10000.0, power);
      values.push_back(static_cast<float>(std::sin(angle)));
      values.push_back(static_cast<float>(std::cos(angle)));
    }
  return from_vector(backend, {positions, width}, values);
}

}  // namespace

Embedding::Embedding(int64_t count, int64_t width)
    : weight_(add_parameter("weight", Shape{count, width}, normal(0, 1))) {}

Variable Embedding::forward(const Variable& indices, const Context&) {
  return embedding(weight_->variable, indices.value());
}

PositionalEmbedding::PositionalEmbedding(int64_t positions, int64_t width)
    : weight_(add_parameter("weight", Shape{positions, width}, normal(0, 0.02))) {}

Variable PositionalEmbedding::forward(const Variable& x, const Context&) {
  const Shape& shape = x.shape();
  const Shape& known = weight_->shape;
  check(shape.rank() == 3 && shape[1] <= known[0] && shape[2] == known[1],
        "positional embedding: expected [b, n, ", known[1], "] with n up to ", known[0], ", found ",
        shape);
  if (shape[1] == known[0]) return x + weight_->variable;
  return x + get(weight_->variable, {Index(0, shape[1])});
}

Variable PositionalEncoding::forward(const Variable& x, const Context&) {
  const Shape& shape = x.shape();
  check(shape.rank() == 3 && shape[2] % 2 == 0,
        "positional encoding: expected [b, n, an even width], found ", shape);
  const bool fits = table_.defined() && table_.shape() == Shape{shape[1], shape[2]} &&
                    &table_.backend() == &x.backend();
  if (!fits) table_ = sinusoids(x.backend(), shape[1], shape[2]);
  return x + Variable(table_);
}

}  // namespace d2l::nn
