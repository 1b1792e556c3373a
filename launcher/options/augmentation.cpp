#include "launcher/options/augmentation.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> augmentation_options() {
  using enum ResumeRule;
  OptionGroup group("Augmentation (random changes of training images)", &Config::augmentation);
  group
      .add("flip", "P", &Augmentation::flip, fixed_in_epoch,
           "probability that a training image is mirrored left to right")
      .from(0)
      .up_to(1);
  group
      .add("crop-padding", "N", &Augmentation::crop_padding, fixed_in_epoch,
           "pad each training image with N black pixels on every side, then crop it to its "
           "original size at a random position")
      .up_to(4096);
  group
      .add("brightness", "B", &Augmentation::brightness, fixed_in_epoch,
           "multiply the values of each training image, which are from 0 to 1, by a random factor "
           "between max(0, 1 - B) and 1 + B; values above 1 become 1")
      .from(0);
  return group.options();
}

}  // namespace d2l::launcher
