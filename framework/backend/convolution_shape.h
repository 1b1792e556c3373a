#pragma once

#include <cstdint>

#include "framework/backend/params.h"
#include "framework/backend/view.h"

namespace d2l {

// A convolution without its data: parameters, sizes and the images' type.
struct ConvolutionShape {
  // x and y have the same type.
  ConvolutionShape(const Conv2dParams& given, const ConstView& x, const Shape& weight,
                   const Shape& y)
      : params(given),
        dtype(x.dtype),
        images(x.shape[0]),
        height(x.shape[1]),
        width(x.shape[2]),
        in(x.shape[3]),
        kernel_height(weight[1]),
        kernel_width(weight[2]),
        out_height(y[1]),
        out_width(y[2]),
        out(y[3]) {}

  bool unit_stride() const { return params.stride == Extent{1, 1}; }
  bool padded() const { return !(params.padding == Extent{0, 0}); }
  int64_t padded_height() const { return height + 2 * params.padding.height; }
  int64_t padded_width() const { return width + 2 * params.padding.width; }
  int64_t taps() const { return kernel_width * in; }  // of a row: adjacent in memory
  int64_t x_image() const { return height * width * in; }
  int64_t y_image() const { return out_height * out_width * out; }

  Conv2dParams params;
  DType dtype;
  int64_t images, height, width, in, kernel_height, kernel_width, out_height, out_width, out;
};

}  // namespace d2l
