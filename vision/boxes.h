#pragma once

#include <algorithm>

#include "framework/tensor/tensor.h"

// Boxes in images, as in chapters 13.3 to 13.7 of Dive into Deep Learning. A box is four numbers:
// left, top, right, bottom ("corners"), or x, y, width, height, where x and y are its centre
// ("centre form"). Tensors of boxes are f32 on the CPU; in a message, boxes count from 0.

namespace d2l::vision {

// The corners of one box.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
  double area() const { return width() * height(); }
};

// A true box of an image.
struct TrueBox {
  int64_t label = 0;  // its class, from 0
  Box box{};          // in pixels: the first pixel is (0, 0, 1, 1)
  // What decides whether it is small, medium or large. Of an outline it is less than that of the
  // box.
  double area = 0;
  // A region with many objects: detections in it are neither right nor wrong, and missing it is no
  // error.
  bool crowd = false;
  bool difficult = false;  // hard to see: finding it is neither right nor wrong
};

// From corners to the centre form and back, for [..., 4]. Any unit, also relative to the image.
Tensor centers_of(const Tensor& corners);
Tensor corners_of(const Tensor& centers);

// The intersection over union of every box in a [n, 4] with every box in b [m, 4], both as corners:
// [n, m]. 0 for boxes that have no area in common.
Tensor iou(const Tensor& a, const Tensor& b);

// The same for two boxes, in the precision of T: four numbers each.
template <class T>
T iou_of(const T* a, const T* b) {
  const T width = std::max(T{0}, std::min(a[2], b[2]) - std::max(a[0], b[0]));
  const T height = std::max(T{0}, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  const T common = width * height;
  if (!(common > 0)) return 0;
  const T area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
  return common / (area_a + area_b - common);
}

// Throws Error unless `boxes` is an f32 tensor on the CPU of shape [..., 4]: "iou: expected …".
void check_boxes(const char* name, const Tensor& boxes);

}  // namespace d2l::vision
