#include "launcher/options/images.h"

#include "launcher/options/normalization.h"
#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> image_options() {
  using enum ResumeRule;
  OptionGroup group("Image preprocessing (in training and evaluation)", &Config::images);
  group.add(
      "normalize", "WHAT", &ImageConfig::normalize, fixed_in_epoch,
      "replace each pixel value v, from 0 to 1, by (v - MEAN) / STD. data: use the "
      "means and standard deviations of the training data, which d2l-data pack stores. imagenet, "
      "cifar10: use those of this dataset. MEAN:STD: use these numbers, one "
      "for all channels or one for each channel, for example 0.5:0.25 or "
      "0.49,0.48,0.45:0.25,0.24,0.26. none: keep v");
  return group.options();
}

void check_images(const Config& config, const Given& /*given*/) {
  check_normalisation(config.images.normalize);
}

}  // namespace d2l::launcher
