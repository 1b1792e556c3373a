#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vision/boxes.h"

namespace d2l::vision {

// A detection in an image.
struct DetectedBox {
  int64_t label = 0;
  double score = 0;
  Box box{};
};

// The numbers of COCO, from 0 to 1; NaN if there is no true box to find. A precision is the average
// over recalls (101 points), classes and, unless it says otherwise, the IoUs .5, .55, ..., .95 from
// which on a detection is right. A recall is the average over classes and these IoUs. Areas in
// pixels: up to 32^2, 32^2 to 96^2, from 96^2 on.
struct DetectionMetrics {
  double precision = 0;                       // mAP: at most 100 detections per image and class
  double precision_50 = 0, precision_75 = 0;  // for an IoU of .5 and .75
  double precision_small = 0, precision_medium = 0, precision_large = 0;
  double recall_1 = 0, recall_10 = 0, recall_100 = 0;  // at most 1, 10, 100 detections
  double recall_small = 0, recall_medium = 0, recall_large = 0;

  struct OfClass {
    int64_t boxes = 0;  // true ones that should be found
    double precision = 0, precision_50 = 0, precision_75 = 0, recall = 0;
  };
  std::vector<OfClass> classes;
};

// Computes COCO's mean average precision (Lin et al., 2014; the rules are those of pycocotools):
// the detections of a class in an image, the best 100, take true boxes of this class one after the
// other, from the highest score to the lowest: each takes the free one of the highest IoU. For
// crowds, the area of the detection replaces the union, and any number of detections may take one.
// A box that is difficult counts as one whose area is not asked for: it need not be found.
// Detections of all images are then ranked by their scores; of equal scores, the earlier one comes
// first, in the order of add().
class MeanAveragePrecision {
 public:
  // Throws Error for a negative number of classes.
  explicit MeanAveragePrecision(int64_t classes);

  // Adds an image. Throws Error for a class out of range, a box whose sides are in wrong order and
  // numbers that are not finite.
  void add(const std::vector<TrueBox>& truths, const std::vector<DetectedBox>& detections);

  DetectionMetrics compute() const;

 private:
  static constexpr size_t kAreas = 4;  // all, small, medium, large

  // A detection after matching. One bit for each IoU.
  struct Ranked {
    double score = 0;
    int64_t rank = 0;                         // within its image, from 0
    std::array<uint16_t, kAreas> right{};     // has taken a true box
    std::array<uint16_t, kAreas> left_out{};  // is neither right nor wrong
  };
  struct ClassRecord {
    std::vector<Ranked> detections;
    std::array<int64_t, kAreas> truths{};  // that must be found
  };
  struct Curves;
  class ImageMatch;

  void add_class(ClassRecord& record, const std::vector<const TrueBox*>& truths,
                 std::vector<const DetectedBox*> detections);
  static Curves curves_of(const ClassRecord& record, const std::vector<const Ranked*>& order,
                          size_t area, int64_t most);

  std::vector<ClassRecord> classes_;
};

}  // namespace d2l::vision
