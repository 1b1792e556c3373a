#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::vision {

// Anchors and the true boxes that they learn to predict (chapter 13.4 of Dive into Deep Learning).

// Which true box each anchor is assigned to, given their IoUs [anchors, boxes]; -1: none. First,
// the pair of the highest IoU is taken, then the highest of the other anchors and boxes, until each
// box that overlaps an anchor has one (if there are enough anchors). Of equal IoUs, the lower
// anchor comes first, then the lower box. Then every anchor without a box gets the one with its
// highest IoU, if that is at least `threshold`.
std::vector<int64_t> assign_boxes(const Tensor& ious, double threshold = .5);

// The boxes [n, 4] as the anchors [n, 4] predict them, both corners: the distance between the
// centres, (x - x_a) / w_a / .1 and (y - y_a) / h_a / .1, and the ratio of the sizes, log(w / w_a)
// / .2 and log(h / h_a) / .2. Boxes and anchors without a positive width and height have no
// offsets: throws Error that names the row.
Tensor offsets_of(const Tensor& anchors, const Tensor& boxes);

// The inverse: the corners of the boxes that have these offsets. Both [n, 4].
Tensor boxes_at(const Tensor& anchors, const Tensor& offsets);

// What the n anchors of each image in a batch of b should predict.
struct BoxTargets {
  Tensor classes;  // [b, n] i64: 0 is the background, class c of the labels is c + 1
  Tensor offsets;  // [b, n, 4]: 0 for the background
  Tensor mask;     // [b, n, 4]: 1 where an anchor has a box, 0 for the background
};

// labels: [b, m, 5], the true boxes of each image as rows of class, left, top, right, bottom, in
// the unit of the anchors [n, 4]; rows of a negative class are padding. Throws Error that names
// image and row for a class that is no whole number and for a box without a positive width and
// height.
BoxTargets box_targets(const Tensor& anchors, const Tensor& labels, double threshold = .5);

}  // namespace d2l::vision
