#include "data/packing/contact_sheet.h"

#include <algorithm>
#include <cmath>

#include "data/packing/font.h"
#include "data/transform/resize.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr int64_t kGap = 8;

// Enlarges by a whole factor, without mixing pixels.
Image enlarged(const Image& image, int64_t factor) {
  const int64_t height = image.shape[0], width = image.shape[1], channels = image.shape[2];
  Image result{{height * factor, width * factor, channels}, {}};
  result.pixels.reserve(static_cast<size_t>(result.shape.elements()));
  for (int64_t y = 0; y < height * factor; ++y)
    for (int64_t x = 0; x < width * factor; ++x)
      for (int64_t c = 0; c < channels; ++c)
        result.pixels.push_back(
            image.pixels[static_cast<size_t>(((y / factor) * width + x / factor) * channels + c)]);
  return result;
}

Image fitted(const Image& image, int64_t side) {
  const int64_t longer = std::max(image.shape[0], image.shape[1]);
  if (longer <= side) return enlarged(image, side / longer);
  const Shape to{std::max<int64_t>(image.shape[0] * side / longer, 1),
                 std::max<int64_t>(image.shape[1] * side / longer, 1), image.shape[2]};
  Image result{to, std::vector<uint8_t>(static_cast<size_t>(to.elements()))};
  Resize::Workspace workspace;
  Resize(image.shape, to).apply(image.pixels.data(), result.pixels.data(), workspace);
  return result;
}

void paste(const Image& image, int64_t top, int64_t left, Image& sheet) {
  const int64_t channels = image.shape[2];
  for (int64_t y = 0; y < image.shape[0]; ++y)
    for (int64_t x = 0; x < image.shape[1]; ++x)
      for (int64_t c = 0; c < 3; ++c)
        sheet.pixels[static_cast<size_t>(((top + y) * sheet.shape[1] + left + x) * 3 + c)] =
            image.pixels[static_cast<size_t>((y * image.shape[1] + x) * channels +
                                             (channels == 3 ? c : 0))];
}

}  // namespace

Image image_of(const Sample& sample, int64_t channels) {
  Image image;
  if (sample.encoding == Encoding::pixels)
    image = {sample.shape, {sample.bytes.begin(), sample.bytes.end()}};
  else
    decode_image(sample.bytes, channels, image);
  return image;
}

Image contact_sheet(const std::vector<SheetPicture>& pictures, int64_t side) {
  check(!pictures.empty(), "expected pictures for a contact sheet, found none");
  const auto count = static_cast<int64_t>(pictures.size());
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t cell_width = side + kGap, cell_height = side + kCellHeight + 2 * kGap;
  const Shape shape{rows * cell_height + kGap, columns * cell_width + kGap, 3};
  Image sheet{shape, std::vector<uint8_t>(static_cast<size_t>(shape.elements()), 255)};
  for (int64_t i = 0; i < count; ++i) {
    const SheetPicture& picture = pictures[static_cast<size_t>(i)];
    const int64_t channels = picture.image.shape[2];
    check(channels == 1 || channels == 3, "expected pictures of 1 or 3 channels, found ", channels);
    const Image image = fitted(picture.image, side);
    const int64_t top = kGap + i / columns * cell_height, left = kGap + i % columns * cell_width;
    paste(image, top + (side - image.shape[0]) / 2, left + (side - image.shape[1]) / 2, sheet);
    const auto fit = static_cast<size_t>(side / kCellWidth);
    draw_text(sheet, top + side + kGap / 2, left, picture.caption.substr(0, fit));
  }
  return sheet;
}

}  // namespace d2l::data
