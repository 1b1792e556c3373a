#include "vision/matching.h"

#include <algorithm>
#include <cmath>

#include "framework/tensor/create.h"
#include "vision/boxes.h"

namespace d2l::vision {
namespace {

// The deviations of the offsets of centres and sizes, by which the book divides them.
constexpr double kCenterDeviation = .1, kSizeDeviation = .2;

struct Center {
  double x, y, width, height;
};

Center center_of(const float* box) {
  const double left = box[0], top = box[1], right = box[2], bottom = box[3];
  return {(left + right) / 2, (top + bottom) / 2, right - left, bottom - top};
}

bool has_size(const float* box) {
  return std::all_of(box, box + 4, [](float value) { return std::isfinite(value); }) &&
         box[2] > box[0] && box[3] > box[1];
}

template <class... Place>
void check_size(const float* box, const Place&... place) {
  check(has_size(box), place..., ": expected a box with left < right and top < bottom, found (",
        box[0], ", ", box[1], ", ", box[2], ", ", box[3], ")");
}

// Four offsets.
void write_offsets(const float* anchor, const float* box, float* offsets) {
  const Center a = center_of(anchor), b = center_of(box);
  offsets[0] = static_cast<float>((b.x - a.x) / a.width / kCenterDeviation);
  offsets[1] = static_cast<float>((b.y - a.y) / a.height / kCenterDeviation);
  offsets[2] = static_cast<float>(std::log(b.width / a.width) / kSizeDeviation);
  offsets[3] = static_cast<float>(std::log(b.height / a.height) / kSizeDeviation);
}

// The greedy first part of assign_boxes(): for each box the best anchor that is still free.
class GreedyPairs {
 public:
  GreedyPairs(const Tensor& ious, std::vector<int64_t>& box_of)
      : ious_(ious.data<float>()), anchors_(ious.size(0)), boxes_(ious.size(1)), box_of_(box_of) {
    for (int64_t box = 0; box < boxes_; ++box) open_.push_back({box, best_anchor(box)});
  }

  void take_all() {
    while (!open_.empty()) {
      const auto best =
          std::max_element(open_.begin(), open_.end(),
                           [&](const Pair& a, const Pair& b) { return iou_at(a) < iou_at(b); });
      const Pair taken = *best;
      open_.erase(best);
      if (taken.anchor < 0) return;  // no anchor is left for any box
      box_of_[static_cast<size_t>(taken.anchor)] = taken.box;
      for (Pair& pair : open_)
        if (pair.anchor == taken.anchor) pair.anchor = best_anchor(pair.box);
    }
  }

 private:
  struct Pair {
    int64_t box, anchor;  // -1: none that overlaps the box is free
  };

  float iou_at(const Pair& pair) const {
    return pair.anchor < 0 ? 0 : ious_[pair.anchor * boxes_ + pair.box];
  }

  int64_t best_anchor(int64_t box) const {
    Pair best{box, -1};
    for (int64_t anchor = 0; anchor < anchors_; ++anchor)
      if (box_of_[static_cast<size_t>(anchor)] < 0 && iou_at({box, anchor}) > iou_at(best))
        best.anchor = anchor;
    return best.anchor;
  }

  const float* ious_;
  int64_t anchors_, boxes_;
  std::vector<int64_t>& box_of_;
  std::vector<Pair> open_;  // by box
};

// The rows of labels [m, 5] of one image that are no padding.
struct TrueBoxes {
  std::vector<int64_t> classes;
  Tensor corners;  // [k, 4]
};

TrueBoxes true_boxes(const Tensor& labels, int64_t image) {
  TrueBoxes result;
  std::vector<float> corners;
  const auto* row = labels.data<float>();
  for (int64_t i = 0; i < labels.size(0); ++i, row += 5) {
    if (row[0] < 0) continue;
    const auto place = concat("box_targets: image ", image, ", row ", i);
    check(row[0] < 1e6F && row[0] == std::floor(row[0]), place,
          ": expected a class from 0 on, found ", row[0]);
    check_size(row + 1, place);
    result.classes.push_back(static_cast<int64_t>(row[0]));
    corners.insert(corners.end(), row + 1, row + 5);
  }
  const auto count = static_cast<int64_t>(result.classes.size());
  result.corners = from_vector(labels.backend(), {count, 4}, corners);
  return result;
}

}  // namespace

std::vector<int64_t> assign_boxes(const Tensor& ious, double threshold) {
  check_dtype("assign_boxes", ious, DType::f32);
  check(ious.rank() == 2, "assign_boxes: expected IoUs [anchors, boxes], found ", ious.shape());
  const int64_t count = ious.size(0), boxes = ious.size(1);
  std::vector<int64_t> box_of(static_cast<size_t>(count), -1);
  if (boxes == 0) return box_of;
  GreedyPairs(ious, box_of).take_all();
  for (int64_t anchor = 0; anchor < count; ++anchor) {
    int64_t& box = box_of[static_cast<size_t>(anchor)];
    if (box >= 0) continue;
    const float* row = ious.data<float>() + anchor * boxes;
    const float* best = std::max_element(row, row + boxes);
    if (static_cast<double>(*best) >= threshold) box = best - row;
  }
  return box_of;
}

Tensor offsets_of(const Tensor& anchors, const Tensor& boxes) {
  check_boxes("offsets_of: anchors", anchors);
  check_boxes("offsets_of: boxes", boxes);
  check(anchors.shape() == boxes.shape(), "offsets_of: expected one box per anchor, found ",
        boxes.shape(), " for ", anchors.shape());
  Tensor result(anchors.backend(), anchors.shape());
  for (int64_t i = 0; i < anchors.elements(); i += 4) {
    const float* anchor = anchors.data<float>() + i;
    const float* box = boxes.data<float>() + i;
    check_size(anchor, "offsets_of: anchor ", i / 4);
    check_size(box, "offsets_of: box ", i / 4);
    write_offsets(anchor, box, result.data<float>() + i);
  }
  return result;
}

Tensor boxes_at(const Tensor& anchors, const Tensor& offsets) {
  check_boxes("boxes_at: anchors", anchors);
  check_boxes("boxes_at: offsets", offsets);
  check(anchors.shape() == offsets.shape(), "boxes_at: expected offsets for every anchor, found ",
        offsets.shape(), " for ", anchors.shape());
  Tensor result(anchors.backend(), anchors.shape());
  for (int64_t i = 0; i < anchors.elements(); i += 4) {
    const float* offset = offsets.data<float>() + i;
    float* box = result.data<float>() + i;
    const Center a = center_of(anchors.data<float>() + i);
    const double x = a.x + kCenterDeviation * offset[0] * a.width;
    const double y = a.y + kCenterDeviation * offset[1] * a.height;
    const double half_width = a.width * std::exp(kSizeDeviation * offset[2]) / 2;
    const double half_height = a.height * std::exp(kSizeDeviation * offset[3]) / 2;
    box[0] = static_cast<float>(x - half_width);
    box[1] = static_cast<float>(y - half_height);
    box[2] = static_cast<float>(x + half_width);
    box[3] = static_cast<float>(y + half_height);
  }
  return result;
}

BoxTargets box_targets(const Tensor& anchors, const Tensor& labels, double threshold) {
  check_boxes("box_targets: anchors", anchors);
  check_dtype("box_targets: labels", labels, DType::f32);
  check(anchors.rank() == 2, "box_targets: expected anchors [n, 4], found ", anchors.shape());
  check(labels.rank() == 3 && labels.size(2) == 5, "box_targets: expected labels [b, m, 5], found ",
        labels.shape());
  const int64_t images = labels.size(0), count = anchors.size(0);
  for (int64_t i = 0; i < count; ++i)
    check_size(anchors.data<float>() + 4 * i, "box_targets: anchor ", i);

  Backend& backend = anchors.backend();
  BoxTargets targets{zeros(backend, {images, count}, DType::i64),
                     zeros(backend, {images, count, 4}), zeros(backend, {images, count, 4})};
  for (int64_t image = 0; image < images; ++image) {
    const TrueBoxes boxes = true_boxes(labels[image], image);
    const std::vector<int64_t> box_of = assign_boxes(iou(anchors, boxes.corners), threshold);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t box = box_of[static_cast<size_t>(i)], at = image * count + i;
      if (box < 0) continue;
      targets.classes.data<int64_t>()[at] = boxes.classes[static_cast<size_t>(box)] + 1;
      write_offsets(anchors.data<float>() + 4 * i, boxes.corners.data<float>() + 4 * box,
                    targets.offsets.data<float>() + 4 * at);
      std::fill_n(targets.mask.data<float>() + 4 * at, 4, 1.0F);
    }
  }
  return targets;
}

}  // namespace d2l::vision
