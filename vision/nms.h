#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::vision {

// Non-maximum suppression (chapter 13.4 of Dive into Deep Learning): goes through the boxes [n, 4]
// (corners, any unit) from the highest of the scores [n] to the lowest, and keeps a box unless its
// IoU with a kept one is above `threshold`. Returns the indices of the kept boxes in this order; of
// equal scores, the lower index comes first. Throws Error for other shapes and for a score that is
// NaN.
std::vector<int64_t> nms(const Tensor& boxes, const Tensor& scores, double threshold);

// The same, where only boxes of one class suppress each other. `classes`: [n] i64, any numbers.
std::vector<int64_t> nms_per_class(const Tensor& boxes, const Tensor& scores, const Tensor& classes,
                                   double threshold);

struct DetectionOptions {
  double nms_threshold = .5;  // most IoU of two detections
  double least_score = .01;   // detections below it are left out
  bool per_class = false;     // detections of different classes do not suppress each other
  int64_t most = 0;           // keeps only the best ones of each image; 0: all
};

// What a network found, from its outputs for a batch of b images and n anchors:
//   probabilities  [b, n, 1 + classes]; the first one is that of the background
//   offsets        [b, n, 4], see offsets_of() in matching.h
//   anchors        [n, 4] corners
// Each anchor predicts its most probable class without the background (the lowest one, if some are
// equal), and this probability is its score. Returns for each image the detections that non-maximum
// suppression keeps, [k, 6] rows of class (from 0), score, left, top, right, bottom, from the
// highest score to the lowest. Boxes may reach out of the image.
std::vector<Tensor> detections(const Tensor& probabilities, const Tensor& offsets,
                               const Tensor& anchors, const DetectionOptions& options = {});

}  // namespace d2l::vision
