#include "vision/boxes.h"

namespace d2l::vision {

void check_boxes(const char* name, const Tensor& boxes) {
  check_dtype(name, boxes, DType::f32);
  check(boxes.rank() > 0 && boxes.size(-1) == 4, name,
        ": expected boxes of 4 numbers, found the shape ", boxes.shape());
  check(boxes.backend().device().kind == DeviceKind::cpu, name,
        ": expected boxes on the CPU, found them on ", to_string(boxes.backend().device()));
}

Tensor centers_of(const Tensor& corners) {
  check_boxes("centers_of", corners);
  Tensor result(corners.backend(), corners.shape());
  const auto* from = corners.data<float>();
  auto* to = result.data<float>();
  for (const auto* end = from + corners.elements(); from != end; from += 4, to += 4) {
    to[0] = (from[0] + from[2]) / 2;
    to[1] = (from[1] + from[3]) / 2;
    to[2] = from[2] - from[0];
    to[3] = from[3] - from[1];
  }
  return result;
}

Tensor corners_of(const Tensor& centers) {
  check_boxes("corners_of", centers);
  Tensor result(centers.backend(), centers.shape());
  const auto* from = centers.data<float>();
  auto* to = result.data<float>();
  for (const auto* end = from + centers.elements(); from != end; from += 4, to += 4) {
    to[0] = from[0] - from[2] / 2;
    to[1] = from[1] - from[3] / 2;
    to[2] = from[0] + from[2] / 2;
    to[3] = from[1] + from[3] / 2;
  }
  return result;
}

Tensor iou(const Tensor& a, const Tensor& b) {
  for (const Tensor& boxes : {a, b}) {
    check_boxes("iou", boxes);
    check(boxes.rank() == 2, "iou: expected boxes of shape [n, 4], found ", boxes.shape());
  }
  const int64_t rows = a.size(0), columns = b.size(0);
  Tensor result(a.backend(), {rows, columns});
  auto* to = result.data<float>();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      *to++ = iou_of(a.data<float>() + 4 * i, b.data<float>() + 4 * j);
  return result;
}

}  // namespace d2l::vision
