#pragma once

#include "framework/backend/backend.h"

// Matrix products with bf16 operands or results that are multiplied as f32.
namespace d2l::cpu {

// out [rows, n] = activation(a [rows, k] b + bias), or the sum a^T b over the rows of a and b, for
// matrices of many rows: each thread takes some rows at a time, whose f32 copies stay in its
// cache.
struct TallProduct {
  MatmulParams params;
  ConstView a, b, bias;
  View out;

  // Whether it is one.
  bool suits() const;
};
void multiply_tall(MemoryPool& pool, const TallProduct& product);

}  // namespace d2l::cpu
