#pragma once

#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::vision {

// The anchor boxes around every pixel of an image or feature map of height x width pixels (chapter
// 13.4 of Dive into Deep Learning): [height * width * k, 4] corners relative to the image, row by
// row, where pixel (i, j) has its centre at ((j + .5) / width, (i + .5) / height). There are k =
// sizes + ratios - 1 boxes per pixel: every size with the first ratio, then the first size with
// every other ratio. A box of size s and ratio r has the height s / sqrt(r), relative to the height
// of the image, and is r times as wide as high, in pixels. Boxes may reach out of the image. Throws
// Error unless all arguments are positive and there is at least one size and one ratio.
Tensor anchors(Backend& backend, int64_t height, int64_t width, const std::vector<double>& sizes,
               const std::vector<double>& ratios);

}  // namespace d2l::vision
