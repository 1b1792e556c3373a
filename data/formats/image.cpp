#include "data/formats/image.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "data/formats/jpeg.h"
#include "data/formats/png.h"
#include "data/formats/webp.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {

namespace {

using namespace std::string_view_literals;

std::string_view text_of(std::span<const uint8_t> file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

// What a file is that is often found among images, by its first bytes; empty if unknown.
std::string other_format(std::string_view file) {
  const std::string_view brand =
      file.size() >= 12 && file.substr(4, 4) == "ftyp" ? file.substr(8, 4) : std::string_view{};
  if (brand == "avif" || brand == "avis") return "an AVIF file";
  if (brand == "heic" || brand == "heix" || brand == "mif1") return "a HEIF file";
  if (!brand.empty()) return "a video file";
  if (file.starts_with("GIF8")) return "a GIF file";
  if (file.starts_with("BM")) return "a BMP file";
  if (file.starts_with("II*\0"sv) || file.starts_with("MM\0*"sv)) return "a TIFF file";
  if (file.starts_with("\xff\x0a") || file.starts_with("\0\0\0\x0cJXL "sv)) return "a JPEG XL file";
  if (file.starts_with("\0\0\0\x0cjP  "sv)) return "a JPEG 2000 file";
  std::string start(file.substr(0, 64));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) return "a web page (HTML)";
  if (start.find("png") < 4) return "a PNG file with a damaged signature";
  return "";
}

Encoding checked_encoding(std::span<const uint8_t> file) {
  check(!file.empty(), "the file is empty, expected JPEG, PNG or WebP");
  if (file.size() > kMostImageBytes)
    fail("the file has ", human_bytes(file.size()), "; the largest image file supported has ",
         human_bytes(kMostImageBytes));
  if (const auto encoding = encoding_of(file)) return *encoding;
  const std::string other = other_format(text_of(file));
  if (!other.empty()) fail("this is ", other, ", expected JPEG, PNG or WebP");
  std::string start;
  for (size_t i = 0; i < std::min<size_t>(file.size(), 8); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, " %02x", file[i]);
    start += digits;
  }
  fail("this is not a JPEG, PNG or WebP file; it begins with the bytes", start);
}

}  // namespace

std::optional<Encoding> encoding_of(std::span<const uint8_t> file) {
  const std::string_view text = text_of(file);
  if (text.starts_with("\xff\xd8\xff")) return Encoding::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return Encoding::png;
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP")
    return Encoding::webp;
  return std::nullopt;
}

ImageHeader read_image_header(std::span<const uint8_t> file) {
  switch (checked_encoding(file)) {
    case Encoding::jpeg:
      return read_jpeg_image_header(file);
    case Encoding::png:
      return read_png_image_header(file);
    default:
      return read_webp_image_header(file);
  }
}

void decode_image(std::span<const uint8_t> file, int64_t channels, Image& image) {
  check(channels == 1 || channels == 3, "an image can be decoded to 1 or 3 channels, not to ",
        channels);
  switch (checked_encoding(file)) {
    case Encoding::jpeg:
      return decode_jpeg(file, channels, image);
    case Encoding::png:
      return decode_png(file, channels, image);
    default:
      return decode_webp(file, channels, image);
  }
}

}  // namespace d2l::data
