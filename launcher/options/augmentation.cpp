#include "launcher/options/augmentation.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> augmentation_options() {
  using enum ResumeRule;
  OptionGroup group("Augmentation (of training images, different in each epoch)",
                    &Config::augmentation);
  group
      .add("flip", "P", &Augmentation::flip, fixed_in_epoch,
           "probability of mirroring a training image horizontally")
      .from(0)
      .up_to(1);
  group
      .add("crop-padding", "N", &Augmentation::crop_padding, fixed_in_epoch,
           "pad each training image with N zero pixels on every side, then crop it to its original "
           "size at a random position")
      .up_to(4096);
  group
      .add("brightness", "B", &Augmentation::brightness, fixed_in_epoch,
           "multiplies each training image by a factor drawn from max(0, 1 - B) to 1 + B; what "
           "exceeds the brightest value becomes the brightest")
      .from(0);
  return group.options();
}

}  // namespace d2l::launcher
