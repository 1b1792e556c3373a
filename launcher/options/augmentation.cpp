#include "launcher/options/augmentation.h"

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

std::string text_of(const data::Pipeline& value) { return value.text(); }

void parse(const std::string& label, const std::string& text, data::Pipeline& value) {
  try {
    value = data::Pipeline::parse(text);
  } catch (const Error& error) {
    usage(label, ": ", error.what());
  }
}

std::vector<Option> augmentation_options() {
  using enum ResumeRule;
  OptionGroup group("Augmentation (changes of single images)", &Config::augmentation);
  group.add("augment", "STEPS", &AugmentationConfig::augment, fixed_in_epoch,
            "change each training image at random: steps separated by ',', in this order: resize "
            "SIZE; random-resized-crop SIZE, random-crop SIZE or center-crop SIZE; rand-augment N "
            "M; pad-crop N; flip P; brightness B, contrast C, saturation S, hue H; random-erasing "
            "P; mixup A, cutmix A. SIZE is N or HEIGHTxWIDTH. For example 'pad-crop 4, flip 0.5'. "
            "docs/training.md explains the steps");
  group.add("eval-transform", "STEPS", &AugmentationConfig::eval_transform, fixed_in_epoch,
            "steps that give test images their size: resize SIZE, center-crop SIZE. none: as "
            "--augment does it, but not at random");
  return group.options();
}

void check_augmentation(const Config& config, const Given& given) {
  const auto& [augment, eval_transform] = config.augmentation;
  if (eval_transform.is_random())
    usage("--eval-transform expects resize and center-crop only, found ", eval_transform.text());
  if (given.count("resize") && config.data.resize > 0 && augment.sets_size())
    usage("--resize ", config.data.resize, " has no effect: --augment sets the size, found ",
          augment.text());
}

}  // namespace d2l::launcher
