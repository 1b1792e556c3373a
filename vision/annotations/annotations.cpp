#include "vision/annotations/annotations.h"

#include <cmath>

#include "framework/base/text.h"

namespace d2l::vision {
namespace {

void check_class_name(const std::string& name, const std::string& place) {
  constexpr size_t kMostBytes = 256;
  check(!name.empty(), place, ": expected the name of a class, found none");
  check(name.size() <= kMostBytes, place, ": expected the name of a class of at most ", kMostBytes,
        " bytes, found ", name.size());
}

}  // namespace

ClassNames::ClassNames(const std::vector<std::string>& names) : given_(!names.empty()) {
  for (const std::string& name : names) {
    check_class_name(name, "classes");
    const bool is_new = labels_.emplace(name, static_cast<int64_t>(labels_.size())).second;
    check(is_new, "classes: expected different names, found '", name, "' twice");
  }
}

int64_t ClassNames::label_of(const std::string& name, const std::string& place) {
  check_class_name(name, place);
  if (!given_) return labels_.emplace(name, static_cast<int64_t>(labels_.size())).first->second;
  const auto found = labels_.find(name);
  if (found == labels_.end()) {
    std::vector<std::string> known;
    for (const auto& [other, label] : labels_) known.push_back(other);
    fail(place, ": ", unknown_name("class", name, known));
  }
  return found->second;
}

void ClassNames::finish(Annotations& annotations) && {
  annotations.classes.resize(labels_.size());
  std::vector<int64_t> new_label(labels_.size());
  int64_t next = 0;
  for (const auto& [name, label] : labels_) {
    new_label[static_cast<size_t>(label)] = given_ ? label : next++;
    annotations.classes[static_cast<size_t>(new_label[static_cast<size_t>(label)])] = name;
  }
  for (AnnotatedImage& image : annotations.images)
    for (TrueBox& box : image.boxes) box.label = new_label[static_cast<size_t>(box.label)];
}

std::string box_place(const std::string& file, const std::string& image, size_t index) {
  return concat(file, ": image '", image, "', box ", index + 1);
}

void check_image(const std::string& place, const AnnotatedImage& image) {
  constexpr size_t kMostBytes = 4096;  // of a path in Linux
  constexpr int64_t kMostPixels = 1'000'000;
  const std::filesystem::path path(image.name);
  check(!image.name.empty(), place, ": expected the name of an image, found none");
  check(image.name.size() <= kMostBytes, place, ": expected the name of an image of at most ",
        kMostBytes, " bytes, found ", image.name.size());
  bool inside = path.is_relative() && image.name.find('\0') == std::string::npos;
  for (const std::filesystem::path& part : path) inside = inside && part != "..";
  check(inside, place, ": expected an image inside of the folder of the images, found '",
        image.name, "'");
  const bool unknown = image.height == 0 && image.width == 0;
  const bool possible = image.height > 0 && image.width > 0 && image.height <= kMostPixels &&
                        image.width <= kMostPixels;
  check(unknown || possible, place, ": image '", image.name,
        "': expected a width and a height from ", "1 to ", kMostPixels, ", found ", image.width,
        " and ", image.height);
}

void add_box(AnnotatedImage& image, TrueBox truth, const std::string& place) {
  constexpr double kSlack = .5;
  Box& box = truth.box;
  const auto found = [&] {
    return concat("found (", box.left, ", ", box.top, ", ", box.right, ", ", box.bottom, ")");
  };
  check(std::isfinite(box.area()), place, ": expected four finite numbers, ", found());
  check(box.left < box.right && box.top < box.bottom, place,
        ": expected a box with left < right and top < bottom, ", found());
  const bool known = image.width > 0;
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  const bool before = box.left < -kSlack || box.top < -kSlack;
  const bool behind = known && (box.right > width + kSlack || box.bottom > height + kSlack);
  if (before || behind)
    fail(place, ": expected a box inside of the image",
         known ? concat(", from (0, 0) to (", width, ", ", height, ")")
               : std::string(", which begins at (0, 0)"),
         ", ", found());
  const Box whole = box;
  box.left = std::max(box.left, 0.);
  box.top = std::max(box.top, 0.);
  if (known) box.right = std::min(box.right, width);
  if (known) box.bottom = std::min(box.bottom, height);
  if (!(box.left < box.right && box.top < box.bottom)) {
    box = whole;
    fail(place, ": expected a box inside of the image, ", found());
  }
  if (std::isnan(truth.area)) truth.area = box.area();
  check(std::isfinite(truth.area) && truth.area >= 0, place, ": expected an area of at least 0, ",
        "found ", truth.area);
  image.boxes.push_back(truth);
}

}  // namespace d2l::vision
