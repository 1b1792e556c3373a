#include "launcher/options/augmentation.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> augmentation_options() {
  using enum ResumeRule;
  OptionGroup group("Augmentation (of training images, anew in each epoch)", &Config::augmentation);
  group
      .add("flip", "P", &Augmentation::flip, fixed_in_epoch,
           "probability with which a training image is mirrored left to right")
      .from(0)
      .up_to(1);
  group
      .add("crop-padding", "N", &Augmentation::crop_padding, fixed_in_epoch,
           "pads each training image with N zeros on all sides and crops it to its old size at a "
           "random place")
      .up_to(4096);
  group
      .add("brightness", "B", &Augmentation::brightness, fixed_in_epoch,
           "multiplies each training image by a factor drawn from max(0, 1 - B) to 1 + B; what "
           "exceeds the brightest value becomes the brightest")
      .from(0);
  return group.options();
}

}  // namespace d2l::launcher
