#include "vision/annotations/box_csv.h"

#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "framework/base/text.h"
#include "vision/annotations/numbers.h"

namespace d2l::vision {
namespace {

constexpr std::array<const char*, 4> kSides{"left", "top", "right", "bottom"};

size_t column_of(const data::CsvReader& reader, const std::string& name) {
  const auto found = reader.find(name);
  check(found.has_value(), reader.name(),
        ", line 1: expected the columns image, class, left, top, ",
        "right and bottom, found no column '", name, "'");
  return *found;
}

class BoxTable {
 public:
  BoxTable(data::CsvReader& reader, const std::vector<std::string>& classes)
      : reader_(reader),
        image_(column_of(reader, "image")),
        class_(column_of(reader, "class")),
        width_(reader.find("width")),
        height_(reader.find("height")),
        classes_(classes) {
    for (size_t i = 0; i < kSides.size(); ++i) sides_[i] = column_of(reader, kSides[i]);
    check(width_.has_value() == height_.has_value(), reader.name(),
          ", line 1: expected the columns width and height, found only one of them");
  }

  Annotations read() {
    while (reader_.next()) add_row();
    std::move(classes_).finish(annotations_);
    return std::move(annotations_);
  }

 private:
  const std::string& field(size_t column) const { return reader_.fields()[column]; }

  int64_t pixels(const std::optional<size_t>& column) const {
    if (!column || field(*column).empty()) return 0;
    const std::string& name = reader_.header()[*column];
    const double number = parse_number(field(*column), concat(reader_.place(), ": ", name));
    check(number >= 1 && number <= 1e9 && number == std::floor(number), reader_.place(),
          ": expected a ", name, " of at least 1 pixel, found ", number);
    return static_cast<int64_t>(number);
  }

  // The image of the current row.
  AnnotatedImage& image_of_row() {
    AnnotatedImage image{field(image_), pixels(height_), pixels(width_), {}};
    const auto [found, is_new] = images_.emplace(image.name, annotations_.images.size());
    if (is_new) {
      check_image(reader_.place(), image);
      annotations_.images.push_back(std::move(image));
      return annotations_.images.back();
    }
    AnnotatedImage& known = annotations_.images[found->second];
    check(known.width == image.width && known.height == image.height, reader_.place(), ": image '",
          known.name, "': expected the size ", known.width, " x ", known.height,
          " as before, found ", image.width, " x ", image.height);
    return known;
  }

  void add_row() {
    AnnotatedImage& image = image_of_row();
    bool empty = field(class_).empty();
    for (const size_t side : sides_) empty = empty && field(side).empty();
    if (empty) return;
    const std::string place = box_place(reader_.place(), image.name, image.boxes.size());
    std::array<double, 4> corners{};
    for (size_t i = 0; i < corners.size(); ++i)
      corners[i] = parse_number(field(sides_[i]), concat(place, ": ", kSides[i]));
    add_box(image,
            {.label = classes_.label_of(field(class_), place),
             .box = {corners[0], corners[1], corners[2], corners[3]},
             .area = std::numeric_limits<double>::quiet_NaN()},
            place);
  }

  data::CsvReader& reader_;
  size_t image_, class_;
  std::array<size_t, 4> sides_{};
  std::optional<size_t> width_, height_;
  ClassNames classes_;
  Annotations annotations_;
  std::unordered_map<std::string, size_t> images_;
};

}  // namespace

Annotations read_box_csv(const std::filesystem::path& path,
                         const std::vector<std::string>& classes) {
  data::CsvReader reader(path);
  return parse_box_csv(reader, classes);
}

Annotations parse_box_csv(data::CsvReader& reader, const std::vector<std::string>& classes) {
  return BoxTable(reader, classes).read();
}

}  // namespace d2l::vision
