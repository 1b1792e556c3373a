#include "vision/nms.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/tensor/create.h"
#include "vision/boxes.h"
#include "vision/matching.h"

namespace d2l::vision {
namespace {

// From the highest score to the lowest; of equal scores the lower index first.
std::vector<int64_t> by_score(const char* name, const Tensor& scores) {
  check_dtype(name, scores, DType::f32);
  const auto* values = scores.data<float>();
  std::vector<int64_t> order(static_cast<size_t>(scores.elements()));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (const int64_t i : order)
    check(!std::isnan(values[i]), name, ": expected scores that are numbers, found NaN as score ",
          i);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return values[a] > values[b]; });
  return order;
}

std::vector<int64_t> keep_best(const char* name, const Tensor& boxes, const Tensor& scores,
                               const int64_t* classes, double threshold) {
  check_boxes(name, boxes);
  check(boxes.rank() == 2, name, ": expected boxes of shape [n, 4], found ", boxes.shape());
  check(scores.shape() == Shape{boxes.size(0)}, name, ": expected ", boxes.size(0),
        " scores, found the shape ", scores.shape());
  const auto* box = boxes.data<float>();
  std::vector<int64_t> kept;
  for (const int64_t next : by_score(name, scores)) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](int64_t better) {
      return (classes == nullptr || classes[better] == classes[next]) &&
             static_cast<double>(iou_of(box + 4 * better, box + 4 * next)) > threshold;
    });
    if (!suppressed) kept.push_back(next);
  }
  return kept;
}

// The anchors of one image whose score is high enough.
struct Candidates {
  std::vector<int64_t> anchors, classes;
  std::vector<float> scores;
};

Candidates candidates_of(const float* probabilities, int64_t anchors, int64_t columns,
                         int64_t image, double least_score) {
  Candidates found;
  for (int64_t i = 0; i < anchors; ++i) {
    const float* row = probabilities + i * columns;
    for (int64_t j = 0; j < columns; ++j)
      check(!std::isnan(row[j]), "detections: expected probabilities, found NaN for anchor ", i,
            " of image ", image);
    const float* best = std::max_element(row + 1, row + columns);
    if (static_cast<double>(*best) < least_score) continue;
    found.anchors.push_back(i);
    found.classes.push_back(best - row - 1);
    found.scores.push_back(*best);
  }
  return found;
}

// The rows [rows.size(), 4] of `from`.
Tensor rows_of(const Tensor& from, const std::vector<int64_t>& rows) {
  Tensor result(from.backend(), {static_cast<int64_t>(rows.size()), 4});
  auto* to = result.data<float>();
  for (const int64_t row : rows) to = std::copy_n(from.data<float>() + 4 * row, 4, to);
  return result;
}

Tensor detections_of(const Candidates& found, const Tensor& boxes,
                     const DetectionOptions& options) {
  Backend& backend = boxes.backend();
  const Shape count{boxes.size(0)};
  const Tensor scores = from_vector(backend, count, found.scores);
  std::vector<int64_t> kept =
      keep_best("detections", boxes, scores, options.per_class ? found.classes.data() : nullptr,
                options.nms_threshold);
  if (options.most > 0 && static_cast<int64_t>(kept.size()) > options.most)
    kept.resize(static_cast<size_t>(options.most));
  Tensor result(backend, {static_cast<int64_t>(kept.size()), 6});
  auto* to = result.data<float>();
  for (const int64_t i : kept) {
    *to++ = static_cast<float>(found.classes[static_cast<size_t>(i)]);
    *to++ = found.scores[static_cast<size_t>(i)];
    to = std::copy_n(boxes.data<float>() + 4 * i, 4, to);
  }
  return result;
}

}  // namespace

std::vector<int64_t> nms(const Tensor& boxes, const Tensor& scores, double threshold) {
  return keep_best("nms", boxes, scores, nullptr, threshold);
}

std::vector<int64_t> nms_per_class(const Tensor& boxes, const Tensor& scores, const Tensor& classes,
                                   double threshold) {
  check_dtype("nms_per_class: classes", classes, DType::i64);
  check(classes.shape() == scores.shape(), "nms_per_class: expected one class per score, found ",
        classes.shape(), " for ", scores.shape());
  return keep_best("nms_per_class", boxes, scores, classes.data<int64_t>(), threshold);
}

std::vector<Tensor> detections(const Tensor& probabilities, const Tensor& offsets,
                               const Tensor& anchors, const DetectionOptions& options) {
  check_boxes("detections: anchors", anchors);
  check_boxes("detections: offsets", offsets);
  check_dtype("detections: probabilities", probabilities, DType::f32);
  check(anchors.rank() == 2 && offsets.rank() == 3 && offsets.size(1) == anchors.size(0),
        "detections: expected offsets [b, n, 4] for anchors [n, 4], found ", offsets.shape(),
        " for ", anchors.shape());
  const int64_t images = offsets.size(0), count = offsets.size(1);
  check(probabilities.rank() == 3 && probabilities.size(0) == images &&
            probabilities.size(1) == count && probabilities.size(2) > 1,
        "detections: expected probabilities [", images, ", ", count, ", 1 + classes], found ",
        probabilities.shape());
  const int64_t columns = probabilities.size(2);
  std::vector<Tensor> result;
  for (int64_t image = 0; image < images; ++image) {
    const float* values = probabilities.data<float>() + image * count * columns;
    const Candidates found = candidates_of(values, count, columns, image, options.least_score);
    const Tensor boxes =
        boxes_at(rows_of(anchors, found.anchors), rows_of(offsets[image], found.anchors));
    result.push_back(detections_of(found, boxes, options));
  }
  return result;
}

}  // namespace d2l::vision
