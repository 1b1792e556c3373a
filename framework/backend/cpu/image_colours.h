#pragma once

#include <cstdint>
#include <vector>

#include "framework/backend/image_colours.h"

namespace d2l::cpu {

// Changes the colours of images with 1 or 3 channels. Owns memory that is reused; one per thread.
class ColourChanger {
 public:
  // `mean`, `deviation`: of each channel, or both nullptr.
  ColourChanger(int64_t pixels, int64_t channels, const float* mean, const float* deviation);

  // `image`: bytes. y: the changed and then normalised image, float or Bfloat16. Both are
  // [pixels, channels].
  template <class T>
  void apply(const uint8_t* image, const images::ColourChange& change, T* y);

 private:
  // Some pixels of an image, in a plane for each channel.
  struct ColourPlanes {
    float* of[3];
    int64_t count;
  };
  ColourPlanes planes(int64_t at, int64_t count);  // in memory_, for `count` pixels from pixel `at`
  void load(const uint8_t* image, const ColourPlanes& planes) const;
  int64_t sum_of_greys(const ColourPlanes& planes) const;
  void change_steps(const images::ColourChange& change, int begin, int end, float grey,
                    const ColourPlanes& planes) const;
  template <class T>
  void store(const ColourPlanes& planes, T* y) const;

  int64_t pixels_, channels_;
  float mean_[3], deviation_[3];
  std::vector<float> memory_;
};

}  // namespace d2l::cpu
