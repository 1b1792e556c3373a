#include "framework/tensor/batch.h"

#include "framework/tensor/elementwise.h"

namespace d2l {

Tensor Batch::inputs_on(Backend& backend, DType dtype) const {
  Tensor there = inputs.to(backend);
  if (there.dtype() != DType::u8) return there.cast(dtype);
  Tensor scaled = there.cast(DType::f32);
  scaled /= 255;
  return scaled.cast(dtype);
}

}  // namespace d2l
