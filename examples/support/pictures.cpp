#include "examples/support/pictures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/formats/write_image.h"
#include "examples/support/svg.h"
#include "framework/base/error.h"

namespace d2l::examples {
namespace {

constexpr double kTitle = 32, kLabel = 18, kGap = 8;

// `image`: [h, w, c]
std::string png_of(const Tensor& image) {
  check(image.rank() == 3, "picture: expected an image [h, w, c], found ", image.shape());
  data::Image pixels;
  pixels.shape = image.shape();
  for (const float value : image.to_vector<float>())
    pixels.pixels.push_back(static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0f, 1.0f))));
  const std::vector<uint8_t> bytes = data::encode_png(pixels);
  return {bytes.begin(), bytes.end()};
}

void draw_title(Svg& svg, const std::string& title, double width) {
  svg.text(width / 2, 21, title, "middle", "font-size='14' font-weight='bold'");
}

}  // namespace

void save_images(const std::filesystem::path& file, const std::string& title, const Tensor& images,
                 const std::vector<std::string>& titles, int columns, double scale) {
  check(images.rank() == 4, "pictures: expected images [n, h, w, c], found ", images.shape());
  check(titles.empty() || static_cast<int64_t>(titles.size()) == images.size(0),
        "pictures: expected ", images.size(0), " titles, found ", titles.size());
  const auto count = images.size(0), rows = (count + columns - 1) / columns;
  const double height = scale * static_cast<double>(images.size(1)),
               width = scale * static_cast<double>(images.size(2));
  const double label = titles.empty() ? 0 : kLabel;
  const double page = kGap + columns * (width + kGap);
  Svg svg(page, kTitle + static_cast<double>(rows) * (height + label + kGap));
  draw_title(svg, title, page);
  for (int64_t i = 0; i < count; ++i) {
    const double x = kGap + static_cast<double>(i % columns) * (width + kGap),
                 y = kTitle + static_cast<double>(i / columns) * (height + label + kGap);
    if (!titles.empty()) svg.text(x + width / 2, y + 13, titles[static_cast<size_t>(i)]);
    svg.image(x, y + label, width, height, png_of(images[i]));
  }
  write_drawing(file, svg.finish());
}

void save_boxes(const std::filesystem::path& file, const std::string& title, const Tensor& image,
                const std::vector<DrawnBox>& boxes) {
  check(image.rank() == 3, "picture: expected an image [h, w, c], found ", image.shape());
  constexpr std::array<const char*, 5> kColours = {"blue", "red", "green", "purple", "teal"};
  const auto height = static_cast<double>(image.size(0)),
             width = static_cast<double>(image.size(1));
  Svg svg(width, kTitle + height);
  draw_title(svg, title, width);
  svg.image(0, kTitle, width, height, png_of(image));
  for (size_t i = 0; i < boxes.size(); ++i) {
    const DrawnBox& box = boxes[i];
    const char* colour = kColours[i % kColours.size()];
    svg.rect(box.left, kTitle + box.top, box.right - box.left, box.bottom - box.top, "none",
             colour);
    if (box.label.empty()) continue;
    const double space = 7.0 * static_cast<double>(box.label.size()) + 6;
    svg.rect(box.left, kTitle + box.top, space, 17, colour);
    svg.text(box.left + space / 2, kTitle + box.top + 13, box.label, "middle", "fill='white'");
  }
  write_drawing(file, svg.finish());
}

}  // namespace d2l::examples
