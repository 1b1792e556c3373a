#include "data/formats/webp.h"

#include <webp/decode.h>

#include <cstring>
#include <vector>

#include "data/formats/image_rows.h"
#include "framework/base/error.h"

namespace d2l::data {

namespace {

// Lossless WebP needs no bits at all for an image of one colour. Real images are far below this.
constexpr int64_t kMostPixelsPerByte = 8192;

std::string reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory for the WebP file";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "the WebP file uses a feature that is not supported";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the WebP file is truncated";
    default:
      return "the WebP file is damaged";
  }
}

// A WebP file is a RIFF container: "RIFF", size, "WEBP", then chunks of a name, a size and content,
// padded to an even size.
constexpr size_t kRiffHeader = 12, kChunkHeader = 8;

uint32_t little_endian(const uint8_t* bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

Orientation webp_orientation(std::span<const uint8_t> file) {
  for (size_t at = kRiffHeader; file.size() - at >= kChunkHeader;) {
    const uint8_t* name = file.data() + at;
    const uint64_t size = little_endian(name + 4);
    at += kChunkHeader;
    if (size > file.size() - at) break;
    if (std::memcmp(name, "EXIF", 4) == 0) {
      std::span<const uint8_t> exif = file.subspan(at, size);
      // some programs begin it as in JPEG files
      if (size >= 6 && std::memcmp(exif.data(), "Exif\0", 6) == 0) exif = exif.subspan(6);
      return exif_orientation(exif).value_or(Orientation{});
    }
    at += std::min<size_t>(size + size % 2, file.size() - at);
  }
  return {};
}

WebPBitstreamFeatures features_of(std::span<const uint8_t> file) {
  // The library accepts a file that ends before its stated size if the pixels are there.
  check(file.size() >= kRiffHeader, "the WebP file is truncated: it has ", file.size(), " bytes");
  const uint64_t stated = uint64_t{little_endian(file.data() + 4)} + kChunkHeader;
  check(stated <= file.size(), "the WebP file is truncated: it has ", file.size(),
        " bytes, its header says ", stated);
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
  if (status != VP8_STATUS_OK) fail(reason(status));
  check(features.has_animation == 0, "an animated WebP is not supported, only still images");
  check_image_size("WebP", features.height, features.width, file.size(), kMostPixelsPerByte);
  return features;
}

}  // namespace

ImageHeader read_webp_image_header(std::span<const uint8_t> file) {
  const WebPBitstreamFeatures features = features_of(file);
  return {Encoding::webp,
          shown_shape({features.height, features.width, 3}, webp_orientation(file))};
}

void decode_webp(std::span<const uint8_t> file, int64_t channels, Image& image) {
  WebPDecoderConfig config;
  check(WebPInitDecoderConfig(&config) != 0, "libwebp has another version than its headers");
  config.input = features_of(file);
  const int64_t height = config.input.height, width = config.input.width;
  const int64_t stored_channels = config.input.has_alpha != 0 ? 4 : 3;
  ImageRows rows({height, width, stored_channels}, webp_orientation(file), channels, image);
  std::vector<uint8_t> all;
  if (!rows.whole()) all.resize(static_cast<size_t>(height * width * stored_channels));
  uint8_t* pixels = rows.whole() ? rows.memory(0) : all.data();
  config.output.colorspace = stored_channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels, static_cast<int>(width * stored_channels),
                          static_cast<size_t>(height * width * stored_channels)};
  const VP8StatusCode status = WebPDecode(file.data(), file.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) fail(reason(status));
  if (!rows.whole()) rows.place({0, height, pixels});
}

}  // namespace d2l::data
