#pragma once

#include "framework/nn/module.h"

namespace d2l::nn {

// Indices i64 [...] in [0, count) -> [..., width]. Parameter weight [count, width], N(0, 1).
class Embedding final : public Module {
 public:
  Embedding(int64_t count, int64_t width);
  Variable forward(const Variable& indices, const Context& context) override;

 private:
  std::shared_ptr<Parameter> weight_;
};

// Adds a learned vector for each position: x [b, n, width], n at most `positions`. Parameter weight
// [positions, width], N(0, .02).
class PositionalEmbedding final : public Module {
 public:
  PositionalEmbedding(int64_t positions, int64_t width);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<Parameter> weight_;
};

// Adds sin(i / 10000^(2 j / width)) to element 2 j of position i and the cosine to element 2 j + 1
// (Vaswani et al., 2017): x [b, n, width], width even.
class PositionalEncoding final : public Module {
 public:
  Variable forward(const Variable& x, const Context& context) override;

 private:
  Tensor table_;  // [n, width] of the last call
};

}  // namespace d2l::nn
