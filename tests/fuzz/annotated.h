#pragma once

#include "tests/fuzz/target.h"
#include "vision/annotations/annotations.h"

namespace d2l::fuzz {

// What must hold for annotations that a reader has accepted.
inline void require_valid(const vision::Annotations& annotations) {
  const auto classes = static_cast<int64_t>(annotations.classes.size());
  for (const vision::AnnotatedImage& image : annotations.images) {
    require(!image.name.empty() && (image.width > 0) == (image.height > 0));
    for (const vision::TrueBox& truth : image.boxes) {
      const vision::Box& box = truth.box;
      require(truth.label >= 0 && truth.label < classes && truth.area >= 0);
      require(0 <= box.left && box.left < box.right && 0 <= box.top && box.top < box.bottom);
      require(image.width == 0 || (box.right <= static_cast<double>(image.width) &&
                                   box.bottom <= static_cast<double>(image.height)));
    }
  }
}

}  // namespace d2l::fuzz
