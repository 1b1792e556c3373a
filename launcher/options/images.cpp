#include "launcher/options/images.h"

#include "launcher/options/normalization.h"
#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> image_options() {
  using enum ResumeRule;
  OptionGroup group("Image preprocessing (on the device that computes)", &Config::images);
  group.add("normalize", "WHAT", &ImageConfig::normalize, fixed_in_epoch,
            "scale pixel values v to [0, 1] and normalise them to (v - MEAN) / STD. imagenet, "
            "cifar10: with the mean and standard deviation of this dataset. MEAN:STD: with these, "
            "each one number or one per channel, for example 0.5:0.25 or "
            "0.49,0.48,0.45:0.25,0.24,0.26. none: scale only");
  return group.options();
}

void check_images(const Config& config, const Given& /*given*/) {
  parse_normalisation(config.images.normalize);
}

}  // namespace d2l::launcher
