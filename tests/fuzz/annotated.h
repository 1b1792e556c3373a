#pragma once

#include "tests/fuzz/target.h"
#include "vision/annotations/annotations.h"

namespace d2l::fuzz {

// What must hold for annotations that a reader has accepted, if they tell the sizes of all images.
inline void require_valid(const vision::Annotations& annotations) {
  for (const vision::AnnotatedImage& image : annotations.images) {
    require(image.width > 0 && image.height > 0 && !image.name.empty());
    for (const vision::TrueBox& truth : image.boxes) {
      const vision::Box& box = truth.box;
      require(truth.label >= 0 && truth.label < static_cast<int64_t>(annotations.classes.size()));
      require(0 <= box.left && box.left < box.right &&
              box.right <= static_cast<double>(image.width));
      require(0 <= box.top && box.top < box.bottom &&
              box.bottom <= static_cast<double>(image.height));
      require(truth.area >= 0);
    }
  }
}

}  // namespace d2l::fuzz
