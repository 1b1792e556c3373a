#pragma once

#include <cstdint>

#include "framework/base/bfloat16.h"

// Products of matrices that are in the cache, on the calling thread.

namespace d2l::cpu {

// c[i, j] = sum over k of a[i, k] b[k, j]; added to c if `add`. `a` may have any strides, so it may
// be transposed. `columns` is a multiple of 16, and rows of b and c have room for as many elements.
struct SmallProduct {
  int64_t rows, inner, columns;
  const float* a;
  int64_t a_row, a_inner;  // steps from a[i, k] to a[i + 1, k] and a[i, k + 1]
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  bool add = false;
};
void multiply(const SmallProduct& product);

// to[j, i] = factor from[i, j], where from is [rows, columns]; `from_row` and `to_row` are the
// distances between rows. T is float or Bfloat16.
template <class T>
struct SmallTranspose {
  int64_t rows, columns;
  const T* from;
  int64_t from_row;
  float* to;
  int64_t to_row;
  float factor = 1;
};
template <class T>
void transpose(const SmallTranspose<T>& params);

}  // namespace d2l::cpu
