#include "vision/mean_average_precision.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "framework/base/error.h"

namespace d2l::vision {
namespace {

constexpr size_t kIous = 10, kRecalls = 101;
constexpr int64_t kMostDetections = 100;

// The same roundings as NumPy's linspace(.5, .95, 10) and linspace(0, 1, 101), which pycocotools
// uses: they decide where an IoU or a recall equals one of these numbers.
double least_iou(size_t index) {
  constexpr double kStep = (.95 - .5) / (kIous - 1);
  return index + 1 == kIous ? .95 : static_cast<double>(index) * kStep + .5;
}

double recall_point(size_t index) {
  constexpr double kStep = 1. / (kRecalls - 1);
  return index + 1 == kRecalls ? 1. : static_cast<double>(index) * kStep;
}

bool has_area(double area, size_t range) {
  constexpr double kMost = 1e10;
  constexpr std::array<std::pair<double, double>, 4> kRanges{
      {{0, kMost}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, kMost}}};
  return area >= kRanges[range].first && area <= kRanges[range].second;
}

double overlap(const Box& found, const TrueBox& truth) {
  const Box& box = truth.box;
  const double width = std::min(found.right, box.right) - std::max(found.left, box.left);
  const double height = std::min(found.bottom, box.bottom) - std::max(found.top, box.top);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (truth.crowd ? found.area() : found.area() + box.area() - common);
}

void check_box(const char* what, int64_t label, const Box& box, double number, size_t classes) {
  check(label >= 0 && static_cast<size_t>(label) < classes, "mean average precision: expected ",
        what, " of a class from 0 to ", static_cast<int64_t>(classes) - 1, ", found ", label);
  const bool finite = std::isfinite(box.area()) && std::isfinite(number);
  check(finite && box.left <= box.right && box.top <= box.bottom,
        "mean average precision: expected ", what,
        " with finite numbers, left <= right and top <= bottom, found (", box.left, ", ", box.top,
        ", ", box.right, ", ", box.bottom, ") and ", number);
}

// The average of the values that are not NaN; NaN if there are none.
class Average {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    sum_ += value;
    ++count_;
  }
  double value() const {
    return count_ == 0 ? std::numeric_limits<double>::quiet_NaN()
                       : sum_ / static_cast<double>(count_);
  }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

double average(const std::array<double, kIous>& values) {
  Average result;
  for (const double value : values) result.add(value);
  return result.value();
}

// The precision at the recall points, on average. `recalls` and `precisions` after each detection.
double precision_of(const std::vector<double>& recalls, std::vector<double> precisions) {
  for (size_t i = precisions.size(); i-- > 1;)
    precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  double sum = 0;
  for (size_t point = 0; point < kRecalls; ++point) {
    const auto at = std::lower_bound(recalls.begin(), recalls.end(), recall_point(point));
    if (at == recalls.end()) break;
    sum += precisions[static_cast<size_t>(at - recalls.begin())];
  }
  return sum / kRecalls;
}

}  // namespace

// For each IoU: the average precision and the recall of a class.
struct MeanAveragePrecision::Curves {
  Curves() {
    precisions.fill(std::numeric_limits<double>::quiet_NaN());
    recalls = precisions;
  }
  std::array<double, kIous> precisions, recalls;
};

// The true boxes and the detections of one class in one image.
class MeanAveragePrecision::ImageMatch {
 public:
  ImageMatch(const std::vector<const TrueBox*>& truths,
             const std::vector<const DetectedBox*>& detections)
      : truths_(truths), detections_(detections) {
    for (const DetectedBox* found : detections)
      for (const TrueBox* truth : truths) overlaps_.push_back(overlap(found->box, *truth));
  }

  // Sets the bits of `ranked`. Returns the number of boxes that must be found.
  int64_t run(size_t area, std::vector<Ranked>& ranked) {
    order_.resize(truths_.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    const auto first_other = std::stable_partition(order_.begin(), order_.end(), [&](size_t i) {
      return !truths_[i]->crowd && !truths_[i]->difficult && has_area(truths_[i]->area, area);
    });
    wanted_ = static_cast<size_t>(first_other - order_.begin());
    for (size_t iou = 0; iou < kIous; ++iou) {
      taken_.assign(truths_.size(), false);
      for (size_t found = 0; found < ranked.size(); ++found) {
        const size_t place = best_place(found, std::min(least_iou(iou), 1 - 1e-10));
        const bool none = place == order_.size();
        const auto bit = static_cast<uint16_t>(1U << iou);
        if (!none) taken_[place] = true;
        if (none ? !has_area(detections_[found]->box.area(), area) : place >= wanted_)
          ranked[found].left_out[area] |= bit;
        else if (!none)
          ranked[found].right[area] |= bit;
      }
    }
    return static_cast<int64_t>(wanted_);
  }

 private:
  // The place in `order_` of the true box that a detection takes; order_.size(): none. One that
  // must be found has precedence; of equal overlaps the last one is taken.
  size_t best_place(size_t found, double least) const {
    size_t best = order_.size();
    for (size_t place = 0; place < order_.size(); ++place) {
      const size_t truth = order_[place];
      if (taken_[place] && !truths_[truth]->crowd) continue;
      if (place >= wanted_ && best < wanted_) break;
      const double value = overlaps_[found * truths_.size() + truth];
      if (value < least) continue;
      least = value;
      best = place;
    }
    return best;
  }

  const std::vector<const TrueBox*>& truths_;
  const std::vector<const DetectedBox*>& detections_;
  std::vector<double> overlaps_;  // detections x truths
  std::vector<size_t> order_;     // of the truths: first those that must be found
  size_t wanted_ = 0;             // how many these are
  std::vector<bool> taken_;       // by place
};

MeanAveragePrecision::MeanAveragePrecision(int64_t classes) {
  check(classes >= 0, "mean average precision: expected a number of classes, found ", classes);
  classes_.resize(static_cast<size_t>(classes));
}

void MeanAveragePrecision::add(const std::vector<TrueBox>& truths,
                               const std::vector<DetectedBox>& detections) {
  for (const TrueBox& truth : truths)
    check_box("a true box", truth.label, truth.box, truth.area, classes_.size());
  for (const DetectedBox& found : detections)
    check_box("a detection", found.label, found.box, found.score, classes_.size());
  std::vector<std::vector<const TrueBox*>> truths_of(classes_.size());
  std::vector<std::vector<const DetectedBox*>> detections_of(classes_.size());
  for (const TrueBox& truth : truths) truths_of[static_cast<size_t>(truth.label)].push_back(&truth);
  for (const DetectedBox& found : detections)
    detections_of[static_cast<size_t>(found.label)].push_back(&found);
  for (size_t i = 0; i < classes_.size(); ++i)
    add_class(classes_[i], truths_of[i], std::move(detections_of[i]));
}

void MeanAveragePrecision::add_class(ClassRecord& record, const std::vector<const TrueBox*>& truths,
                                     std::vector<const DetectedBox*> detections) {
  std::stable_sort(detections.begin(), detections.end(),
                   [](const auto* a, const auto* b) { return a->score > b->score; });
  if (detections.size() > kMostDetections) detections.resize(kMostDetections);
  std::vector<Ranked> ranked(detections.size());
  for (size_t i = 0; i < ranked.size(); ++i) {
    ranked[i].score = detections[i]->score;
    ranked[i].rank = static_cast<int64_t>(i);
  }
  ImageMatch match(truths, detections);
  for (size_t area = 0; area < kAreas; ++area) record.truths[area] += match.run(area, ranked);
  record.detections.insert(record.detections.end(), ranked.begin(), ranked.end());
}

// `order`: from the highest score to the lowest. Considers the `most` best detections of each
// image.
MeanAveragePrecision::Curves MeanAveragePrecision::curves_of(
    const ClassRecord& record, const std::vector<const Ranked*>& order, size_t area, int64_t most) {
  Curves curves;
  if (record.truths[area] == 0) return curves;
  const auto truths = static_cast<double>(record.truths[area]);
  for (size_t iou = 0; iou < kIous; ++iou) {
    std::vector<double> recalls, precisions;
    double right = 0, wrong = 0;
    for (const Ranked* found : order) {
      if (found->rank >= most || (found->left_out[area] >> iou & 1U) != 0) continue;
      ((found->right[area] >> iou & 1U) != 0 ? right : wrong) += 1;
      recalls.push_back(right / truths);
      precisions.push_back(right / (right + wrong));
    }
    curves.recalls[iou] = right / truths;
    curves.precisions[iou] = precision_of(recalls, std::move(precisions));
  }
  return curves;
}

DetectionMetrics MeanAveragePrecision::compute() const {
  DetectionMetrics result;
  std::array<Average, kAreas> precisions, recalls;
  Average precision_50, precision_75, recall_1, recall_10;
  for (const ClassRecord& record : classes_) {
    std::vector<const Ranked*> order;
    for (const Ranked& found : record.detections) order.push_back(&found);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->score > b->score; });
    for (size_t area = 1; area < kAreas; ++area) {
      const Curves curves = curves_of(record, order, area, kMostDetections);
      precisions[area].add(average(curves.precisions));
      recalls[area].add(average(curves.recalls));
    }
    const Curves curves = curves_of(record, order, 0, kMostDetections);
    const DetectionMetrics::OfClass of_class{record.truths[0], average(curves.precisions),
                                             curves.precisions[0], curves.precisions[kIous / 2],
                                             average(curves.recalls)};
    precisions[0].add(of_class.precision);
    precision_50.add(of_class.precision_50);
    precision_75.add(of_class.precision_75);
    recalls[0].add(of_class.recall);
    recall_1.add(average(curves_of(record, order, 0, 1).recalls));
    recall_10.add(average(curves_of(record, order, 0, 10).recalls));
    result.classes.push_back(of_class);
  }
  result.precision = precisions[0].value();
  result.precision_50 = precision_50.value();
  result.precision_75 = precision_75.value();
  result.precision_small = precisions[1].value();
  result.precision_medium = precisions[2].value();
  result.precision_large = precisions[3].value();
  result.recall_1 = recall_1.value();
  result.recall_10 = recall_10.value();
  result.recall_100 = recalls[0].value();
  result.recall_small = recalls[1].value();
  result.recall_medium = recalls[2].value();
  result.recall_large = recalls[3].value();
  return result;
}

}  // namespace d2l::vision
