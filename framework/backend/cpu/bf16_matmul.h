#pragma once

#include "framework/backend/backend.h"

// Matrix products with bf16 operands or results, computed in f32.
namespace d2l::cpu {

// A product of a matrix with many rows: out [rows, n] = activation(a [rows, k] b + bias), or the
// sum a^T b over the rows of a and b. Each thread takes a few rows at a time and keeps their f32
// copies in its cache.
struct TallProduct {
  MatmulParams params;
  ConstView a, b, bias;
  View out;

  // Whether multiply_tall() can compute this product.
  bool suits() const;
};
void multiply_tall(MemoryPool& pool, const TallProduct& product);

}  // namespace d2l::cpu
