#include "data/transform/pipeline.h"

#include <algorithm>
#include <cmath>

#include "data/transform/rand_augment.h"
#include "data/transform/steps.h"
#include "framework/backend/params.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

const StepRule& rule_of(const std::string& name) {
  std::vector<std::string> names;
  for (const StepRule& rule : step_rules()) {
    if (rule.name == name) return rule;
    names.push_back(rule.name);
  }
  throw Error(unknown_name("step", name, names));
}

std::string order_text() {
  std::vector<std::string> names;
  for (const StepRule& rule : step_rules()) names.push_back(rule.name);
  return join(names, ", ");
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// The whole image.
ImageView whole(const Shape& image) {
  return {.bottom = static_cast<double>(image[0]),
          .right = static_cast<double>(image[1]),
          .height = image[0],
          .width = image[1]};
}

Extent resized_size(const HostSteps& steps, const Shape& image) {
  if (steps.resize_height == 0) return {image[0], image[1]};
  if (steps.resize_width > 0) return {steps.resize_height, steps.resize_width};
  const int64_t shorter = std::min(image[0], image[1]), longer = std::max(image[0], image[1]);
  // torchvision truncates here
  const auto other = static_cast<int64_t>(static_cast<double>(steps.resize_height * longer) /
                                          static_cast<double>(shorter));
  return image[0] <= image[1] ? Extent{steps.resize_height, other}
                              : Extent{other, steps.resize_height};
}

// The random values of one sample for one purpose, in blocks of four words.
class SampleDraws {
 public:
  static constexpr uint64_t kMostBlocks = 16;

  SampleDraws(RngKey key, std::string_view purpose, int64_t sample)
      : key_{key.seed, mix(key.stream, stream_of(purpose))},
        first_(static_cast<uint64_t>(sample) * kMostBlocks) {}

  Random4 block(uint64_t number) const { return philox(key_, first_ + number); }

 private:
  RngKey key_;
  uint64_t first_;
};

// Uniform in [0, count).
int64_t below(uint32_t word, int64_t count) {
  return static_cast<int64_t>(word * static_cast<uint64_t>(count) >> 32);
}

double between(uint32_t word, double low, double high) {
  return low + (high - low) * double{to_unit(word)};
}

struct Box {
  int64_t top, left, height, width;
};

ImageView crop_of_image(const Box& box, const HostSteps& steps) {
  return {.top = static_cast<double>(box.top),
          .left = static_cast<double>(box.left),
          .bottom = static_cast<double>(box.top + box.height),
          .right = static_cast<double>(box.left + box.width),
          .height = steps.crop_height,
          .width = steps.crop_width,
          .filter = steps.filter,
          .clipped = true};
}

// The largest rectangle in the middle of the image with an aspect ratio of the interval.
Box central_box(const Shape& image, const Interval& ratio) {
  const int64_t height = image[0], width = image[1];
  const double found = static_cast<double>(width) / static_cast<double>(height);
  Box box{0, 0, height, width};
  if (found < ratio.low)
    box.height = std::lrint(static_cast<double>(width) / ratio.low);
  else if (found > ratio.high)
    box.width = std::lrint(static_cast<double>(height) * ratio.high);
  box.height = std::clamp<int64_t>(box.height, 1, height);
  box.width = std::clamp<int64_t>(box.width, 1, width);
  box.top = (height - box.height) / 2;
  box.left = (width - box.width) / 2;
  return box;
}

Box random_box(const Shape& image, const HostSteps& steps, const SampleDraws& draws) {
  constexpr int kTries = 10;
  const double area = static_cast<double>(image[0]) * static_cast<double>(image[1]);
  const double log_low = std::log(steps.ratio.low), log_high = std::log(steps.ratio.high);
  for (int i = 0; i < kTries; ++i) {
    const auto [part, aspect, down, right] = draws.block(static_cast<uint64_t>(i)).word;
    const double wanted = area * between(part, steps.scale.low, steps.scale.high);
    const double ratio = std::exp(between(aspect, log_low, log_high));
    const int64_t width = std::lrint(std::sqrt(wanted * ratio));
    const int64_t height = std::lrint(std::sqrt(wanted / ratio));
    if (width < 1 || width > image[1] || height < 1 || height > image[0]) continue;
    return {below(down, image[0] - height + 1), below(right, image[1] - width + 1), height, width};
  }
  return central_box(image, steps.ratio);
}

void check_fits(const HostSteps& steps, const Extent& image) {
  check(steps.crop_height <= image.height && steps.crop_width <= image.width,
        steps.crop == Crop::random ? "random-crop" : "center-crop", " expects images of at least ",
        steps.crop_height, " x ", steps.crop_width, ", found ", image.height, " x ", image.width,
        steps.resize_height > 0 ? " after resize" : "");
}

// A crop of the image that `resize` makes, in coordinates of the image itself.
ImageView crop_of_resized(const Shape& image, const HostSteps& steps, const SampleDraws& draws) {
  const Extent size = resized_size(steps, image);
  check_fits(steps, size);
  const int64_t down = size.height - steps.crop_height, right = size.width - steps.crop_width;
  int64_t top = 0, left = 0;
  if (steps.crop == Crop::random) {
    const Random4 words = draws.block(0);
    top = below(words.word[0], down + 1);
    left = below(words.word[1], right + 1);
  } else {  // to the nearest even number at a half, as Python rounds
    top = std::lrint(static_cast<double>(down) / 2);
    left = std::lrint(static_cast<double>(right) / 2);
  }
  const auto row = [&](int64_t of_resized) {
    return static_cast<double>(of_resized * image[0]) / static_cast<double>(size.height);
  };
  const auto column = [&](int64_t of_resized) {
    return static_cast<double>(of_resized * image[1]) / static_cast<double>(size.width);
  };
  return {.top = row(top),
          .left = column(left),
          .bottom = row(top + steps.crop_height),
          .right = column(left + steps.crop_width),
          .height = steps.crop_height,
          .width = steps.crop_width,
          .filter = steps.filter,
          .clipped = false};
}

// Whether a crop fits whatever the sizes of the images.
void check_fits_all(const HostSteps& steps) {
  if (steps.resize_width > 0) return check_fits(steps, {steps.resize_height, steps.resize_width});
  const int64_t larger = std::max(steps.crop_height, steps.crop_width);
  check(steps.resize_height == 0 || larger <= steps.resize_height, "expected resize to at least ",
        larger, ", so that the crop of ", steps.crop_height, " x ", steps.crop_width,
        " fits into images of different sizes, found resize ", steps.resize_height);
}

}  // namespace

Pipeline Pipeline::parse(const std::string& text) {
  StepValues values;
  if (text == "none") return {};
  std::vector<const StepRule*> before;
  for (const std::string& part : split(text)) {
    StepWords words(part);
    const StepRule& rule = rule_of(words.name());
    for (const StepRule* other : before) {
      check(other != &rule, "step '", words.text(), "': expected ", rule.name,
            " once, found it twice");
      check(other->place <= rule.place, "step '", words.text(), "': expected it before ",
            other->name, ", found it after; the order is ", order_text());
    }
    before.push_back(&rule);
    rule.read(words, values);
    words.end();
  }
  return Pipeline(values.host, values.device);
}

std::string Pipeline::text() const {
  std::vector<std::string> steps;
  for (const StepRule& rule : step_rules()) {
    const std::string step = rule.text({host_, device_});
    if (!step.empty()) steps.push_back(step);
  }
  return steps.empty() ? "none" : join(steps, ", ");
}

bool Pipeline::sets_size() const { return host_.resize_height > 0 || host_.crop != Crop::none; }

bool Pipeline::is_random() const {
  return host_.crop == Crop::random_resized || host_.crop == Crop::random || finishes() ||
         device_.augments() || device_.mixes_samples();
}

Pipeline Pipeline::resized(int64_t size) const {
  check(!sets_size(), "expected no step that sets the size, found ", text());
  Pipeline result = *this;
  result.host_.resize_height = result.host_.resize_width = size;
  return result;
}

Pipeline Pipeline::for_evaluation() const {
  HostSteps steps = host_;
  steps.operations = steps.magnitude = 0;
  if (host_.crop == Crop::random_resized) {
    const int64_t larger = std::max(host_.crop_height, host_.crop_width);
    steps.resize_height = std::lround(static_cast<double>(larger) * 8 / 7);
    steps.scale = HostSteps().scale;
    steps.ratio = HostSteps().ratio;
  }
  if (host_.crop != Crop::none) steps.crop = Crop::center;
  return Pipeline(steps, {});
}

Shape Pipeline::result_shape(const Shape& images) const {
  if (images.rank() == 1) {
    check(*this == Pipeline(), "expected no steps for the rows of a table, found ", text());
    return images;
  }
  const bool known = images[0] > 0;
  if (host_.crop != Crop::none) {
    if (known && host_.crop != Crop::random_resized) check_fits(host_, resized_size(host_, images));
    if (!known && host_.crop != Crop::random_resized) check_fits_all(host_);
    return {host_.crop_height, host_.crop_width, images[2]};
  }
  if (!known && host_.resize_width > 0) return {host_.resize_height, host_.resize_width, images[2]};
  check(known, "the images differ in size: expected a step that gives them one size, such as ",
        "'random-resized-crop 224' for training, or 'resize 256, center-crop 224', found ", text());
  const Extent size = resized_size(host_, images);
  return {size.height, size.width, images[2]};
}

ImageView Pipeline::view(const Shape& image, RngKey key, int64_t sample) const {
  const SampleDraws draws(key, "view", sample);
  if (host_.crop == Crop::random_resized)
    return crop_of_image(random_box(image, host_, draws), host_);
  if (host_.crop != Crop::none) return crop_of_resized(image, host_, draws);
  ImageView view = whole(image);
  const Extent size = resized_size(host_, image);
  view.height = size.height;
  view.width = size.width;
  view.filter = host_.filter;
  return view;
}

void Pipeline::finish(uint8_t* pixels, const Shape& shape, RngKey key, int64_t sample) const {
  static_assert(kMostOperations <= SampleDraws::kMostBlocks);
  const SampleDraws draws(key, "rand-augment", sample);
  for (int64_t i = 0; i < host_.operations; ++i) {
    const Random4 words = draws.block(static_cast<uint64_t>(i));
    const bool negative = words.word[1] >> 31 != 0;
    const auto operation = static_cast<RandOperation>(below(words.word[0], kRandOperationCount));
    apply(operation, host_.magnitude, negative, pixels, shape);
  }
}

}  // namespace d2l::data
