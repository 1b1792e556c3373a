#include "launcher/options/images.h"

#include "launcher/options/normalization.h"
#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> image_options() {
  using enum ResumeRule;
  OptionGroup group("Images (prepared where the network computes)", &Config::images);
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
