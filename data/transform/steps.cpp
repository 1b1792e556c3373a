#include "data/transform/steps.h"

#include <limits>

#include "data/transform/pair_mix.h"
#include "data/transform/rand_augment.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr int64_t kMostPadding = 4096;

std::string size_text(int64_t height, int64_t width) {
  return height == width ? std::to_string(height) : concat(height, "x", width);
}

std::string interval_text(const Interval& interval) {
  return number_text(interval.low) + ".." + number_text(interval.high);
}

void read_resize(StepWords& words, StepValues& values) {
  const StepWords::Size size = words.size();
  values.host.resize_height = size.height;
  values.host.resize_width = size.width;
  for (std::string name; words.next_is_one_of({"filter"}, name);)
    values.host.filter = words.filter();
}

std::string resize_text(const StepValues& values) {
  const HostSteps& host = values.host;
  if (host.resize_height == 0) return "";
  const std::string size = host.resize_width == 0
                               ? std::to_string(host.resize_height)
                               : concat(host.resize_height, "x", host.resize_width);
  return concat("resize ", size, " filter ", to_string(host.filter));
}

void read_crop(StepWords& words, HostSteps& host, Crop crop) {
  check(host.crop == Crop::none, "step '", words.text(),
        "': expected one step that crops, found another one before it");
  const StepWords::Size size = words.size();
  host.crop = crop;
  host.crop_height = size.height;
  host.crop_width = size.width > 0 ? size.width : size.height;
}

std::string crop_text(const char* name, const HostSteps& host) {
  return concat(name, " ", size_text(host.crop_height, host.crop_width));
}

void read_random_resized_crop(StepWords& words, StepValues& values) {
  HostSteps& host = values.host;
  check(host.resize_height == 0, "step '", words.text(),
        "': expected no resize before it, because it resizes its crop itself");
  read_crop(words, host, Crop::random_resized);
  for (std::string name; words.next_is_one_of({"scale", "ratio", "filter"}, name);) {
    if (name == "scale") host.scale = words.interval(1e-4, 1);
    if (name == "ratio") host.ratio = words.interval(0.01, 100);
    if (name == "filter") host.filter = words.filter();
  }
}

std::string random_resized_crop_text(const StepValues& values) {
  const HostSteps& host = values.host;
  if (host.crop != Crop::random_resized) return "";
  return concat(crop_text("random-resized-crop", host), " scale ", interval_text(host.scale),
                " ratio ", interval_text(host.ratio), " filter ", to_string(host.filter));
}

void read_random_crop(StepWords& words, StepValues& values) {
  read_crop(words, values.host, Crop::random);
}

std::string random_crop_text(const StepValues& values) {
  return values.host.crop == Crop::random ? crop_text("random-crop", values.host) : "";
}

void read_center_crop(StepWords& words, StepValues& values) {
  read_crop(words, values.host, Crop::center);
}

std::string center_crop_text(const StepValues& values) {
  return values.host.crop == Crop::center ? crop_text("center-crop", values.host) : "";
}

void read_rand_augment(StepWords& words, StepValues& values) {
  values.host.operations = words.integer("a number of operations", 1, kMostOperations);
  values.host.magnitude = words.integer("a magnitude", 0, kMagnitudes - 1);
}

std::string rand_augment_text(const StepValues& values) {
  if (values.host.operations == 0) return "";
  return concat("rand-augment ", values.host.operations, " ", values.host.magnitude);
}

void read_pad_crop(StepWords& words, StepValues& values) {
  values.device.crop_padding = words.integer("a number of pixels", 0, kMostPadding);
}

std::string pad_crop_text(const StepValues& values) {
  const int64_t padding = values.device.crop_padding;
  return padding > 0 ? concat("pad-crop ", padding) : "";
}

// A step with one number, which is a member of Augmentation; 0 turns it off.
StepRule number_step(const char* name, StepPlace place, const std::string& meaning, double most,
                     double Augmentation::*member) {
  return {
      .name = name,
      .place = place,
      .read = [=](StepWords& words,
                  StepValues& values) { values.device.*member = words.number(meaning, 0, most); },
      .text =
          [=](const StepValues& values) {
            const double number = values.device.*member;
            return number > 0 ? concat(name, " ", number_text(number)) : "";
          }};
}

// A step that mixes samples, with the parameter of a beta distribution.
StepRule mixing_step(const char* name, double Augmentation::*member) {
  StepRule rule = number_step(name, StepPlace::mixing, "", 0, member);
  rule.read = [=](StepWords& words, StepValues& values) {
    values.device.*member = words.number("a number", kLeastBeta, kMostBeta);
  };
  return rule;
}

}  // namespace

const std::vector<StepRule>& step_rules() {
  using enum StepPlace;
  static const std::string kChance = "a probability", kStrength = "a number";
  static const std::vector<StepRule> kTable = {
      {"resize", resize, read_resize, resize_text},
      {"random-resized-crop", crop, read_random_resized_crop, random_resized_crop_text},
      {"random-crop", crop, read_random_crop, random_crop_text},
      {"center-crop", crop, read_center_crop, center_crop_text},
      {"rand-augment", rand_augment, read_rand_augment, rand_augment_text},
      {"pad-crop", pad_crop, read_pad_crop, pad_crop_text},
      number_step("flip", flip, kChance, 1, &Augmentation::flip),
      number_step("brightness", colour, kStrength, kNoLimit, &Augmentation::brightness),
      number_step("contrast", colour, kStrength, kNoLimit, &Augmentation::contrast),
      number_step("saturation", colour, kStrength, kNoLimit, &Augmentation::saturation),
      number_step("hue", colour, kStrength, 0.5, &Augmentation::hue),
      number_step("random-erasing", erasing, kChance, 1, &Augmentation::erasing),
      mixing_step("mixup", &Augmentation::mixup),
      mixing_step("cutmix", &Augmentation::cutmix),
  };
  return kTable;
}

}  // namespace d2l::data
