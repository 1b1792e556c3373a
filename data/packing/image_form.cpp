#include "data/packing/image_form.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "data/formats/jpeg_rows.h"
#include "data/formats/write_image.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr int64_t kMostSide = 16384;  // of --resize

int64_t side_of(const std::string& text, const std::string& all) {
  int64_t side = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, side);
  if (error != std::errc() || stop != end || side < 1 || side > kMostSide)
    throw UsageError(concat("--resize: expected a side like 256, or HEIGHTxWIDTH like 32x32, from ",
                            "1 to ", kMostSide, ", found ", all));
  return side;
}

// Pixels with another number of channels, from 1 to 3 or back.
void convert_channels(Image& image, int64_t channels) {
  const int64_t from = image.shape[2];
  if (from == channels) return;
  check((from == 1 && channels == 3) || (from == 3 && channels == 1), "expected pixels of ",
        channels, " channels, found ", from);
  const size_t count = static_cast<size_t>(image.shape[0] * image.shape[1]);
  std::vector<uint8_t> pixels(count * static_cast<size_t>(channels));
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* in = image.pixels.data() + i * static_cast<size_t>(from);
    if (channels == 3)
      std::fill_n(pixels.begin() + static_cast<ptrdiff_t>(3 * i), 3, in[0]);
    else  // ITU-R 601 luma in units of 2^-16, rounded, as decode_image() computes it
      pixels[i] =
          static_cast<uint8_t>((in[0] * 19595 + in[1] * 38470 + in[2] * 7471 + 0x8000) >> 16);
  }
  image.shape[2] = channels;
  image.pixels = std::move(pixels);
}

}  // namespace

void ImageForm::set_resize(const std::string& text) {
  const size_t cross = text.find('x');
  if (cross == std::string::npos) {
    shorter = side_of(text, text);
    return;
  }
  height = side_of(text.substr(0, cross), text);
  width = side_of(text.substr(cross + 1), text);
}

Shape ImageForm::size_of(int64_t of_height, int64_t of_width) const {
  if (height > 0) return {height, width};
  const int64_t least = std::min(of_height, of_width);
  if (shorter == 0 || shorter == least) return {of_height, of_width};
  // rounded down, as in torchvision's Resize
  const int64_t longer = std::max(of_height, of_width) * shorter / least;
  check(longer <= kMostImagePixels / shorter, "an image of ", of_height, " x ", of_width,
        " is too narrow for a shorter side of ", shorter);
  return of_height < of_width ? Shape{shorter, longer} : Shape{longer, shorter};
}

void ImagePreparer::resize_image(const Shape& to) {
  const Resize resize(image_.shape, to);
  resized_.shape = to;
  resized_.pixels.resize(static_cast<size_t>(to.elements()));
  resize.apply(image_.pixels.data(), resized_.pixels.data(), workspace_);
  std::swap(image_, resized_);
}

PreparedImage ImagePreparer::prepare(Encoding encoding, const Shape& shape,
                                     std::vector<uint8_t>&& bytes) {
  PreparedImage result;
  const bool is_file = encoding != Encoding::pixels;
  if (is_file) {
    decode_image(bytes, form_.channels, image_);
  } else {
    image_.shape = shape;
    std::swap(image_.pixels, bytes);
    convert_channels(image_, form_.channels);
  }
  Shape to = form_.size_of(image_.shape[0], image_.shape[1]);
  to.append(form_.channels);
  const bool resizes = to != image_.shape;
  if (resizes) resize_image(to);

  if (!is_file || form_.as_pixels) {
    result.encoding = Encoding::pixels;
    result.shape = to;
    result.bytes = image_.pixels;
  } else if (resizes) {
    result.encoding = Encoding::jpeg;
    result.shape = to;
    result.bytes = encode_jpeg(image_, kJpegQuality);
    decode_image(result.bytes, form_.channels, image_);  // for the sums
  } else {
    result.encoding = encoding;
    result.shape = read_image_header(bytes).shape;
    result.bytes = std::move(bytes);
  }
  if (form_.index_rows && result.encoding == Encoding::jpeg) {
    IndexedJpeg indexed = index_jpeg(result.bytes);
    if (indexed.reason.empty()) result.bytes = std::move(indexed.bytes);
  }
  result.sums.add(image_.pixels.data(), image_.shape);
  return result;
}

}  // namespace d2l::data
