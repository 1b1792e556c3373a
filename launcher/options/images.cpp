#include "launcher/options/images.h"

#include "launcher/options/normalization.h"
#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> image_options() {
  using enum ResumeRule;
  OptionGroup group("Images (prepared where the network computes)", &Config::images);
  group
      .add("flip", "P", &ImageConfig::flip, fixed_in_epoch,
           "probability with which a training image is mirrored left to right")
      .from(0)
      .up_to(1);
  group
      .add("crop-padding", "N", &ImageConfig::crop_padding, fixed_in_epoch,
           "pads each training image with N zeros on all sides and crops it to its old size at a "
           "random place")
      .up_to(4096);
  group.add("normalize", "WHAT", &ImageConfig::normalize, fixed_in_epoch,
            "(v - MEAN) / STD for values v from 0 to 1: imagenet or cifar10, the means and "
            "standard deviations of these data sets; or MEAN:STD with a number or one for each "
            "channel on both sides, as 0.5:0.25 or 0.49,0.48,0.45:0.25,0.24,0.26; or none");
  return group.options();
}

void check_images(const Config& config, const Given& /*given*/) {
  parse_normalisation(config.images.normalize);
}

}  // namespace d2l::launcher
