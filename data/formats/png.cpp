#include "data/formats/png.h"

#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "data/formats/error_jump.h"
#include "data/formats/image_rows.h"
#include "framework/base/error.h"

namespace d2l::data {

namespace {

// Deflate codes at most 258 bytes with 2 bits.
constexpr int64_t kMostInflation = 1032;
// libpng stores the palette and the transparency only, which are smaller than this.
constexpr png_alloc_size_t kMostChunkBytes = 1 << 16;

// libpng with errors as exceptions.
class PngDecompressor {
 public:
  explicit PngDecompressor(std::span<const uint8_t> file) : file_(file) {
    jump_.run([&] {
      png_ = png_create_read_struct(
          PNG_LIBPNG_VER_STRING, this,
          [](png_structp png, png_const_charp message) { self_of(png).raise(message); },
          [](png_structp png, png_const_charp message) { self_of(png).note(message); });
      if (png_ == nullptr) jump_.raise("libpng has a wrong version or not enough memory");
      info_ = png_create_info_struct(png_);
      if (info_ == nullptr) jump_.raise("not enough memory for libpng");
      png_set_read_fn(png_, this, [](png_structp png, png_bytep into, size_t count) {
        static_cast<PngDecompressor*>(png_get_io_ptr(png))->read(into, count);
      });
      png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
      png_set_chunk_malloc_max(png_, kMostChunkBytes);
      png_set_chunk_cache_max(png_, 1);
      // check_image_size() decides, with a better message
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    });
  }
  ~PngDecompressor() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecompressor(const PngDecompressor&) = delete;
  PngDecompressor& operator=(const PngDecompressor&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }

  // See ErrorJump::run().
  template <class Calls>
  void run(const Calls& calls) {
    jump_.run(calls);
  }

  // Reads the chunks before the pixels. Returns height, width and channels without alpha.
  Shape read_header() {
    run([&] { png_read_info(png_, info_); });
    const int64_t height = png_get_image_height(png_, info_);
    const int64_t width = png_get_image_width(png_, info_);
    const int64_t bits = png_get_bit_depth(png_, info_) * png_get_channels(png_, info_);
    check_image_size("PNG", height, width, file_.size(), kMostInflation * 8 / bits);
    return {height, width, (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1};
  }

 private:
  static PngDecompressor& self_of(png_structp png) {
    return *static_cast<PngDecompressor*>(png_get_error_ptr(png));
  }

  // A warning often says more than the error that follows it.
  void note(const char* warning) noexcept {
    std::snprintf(warning_, sizeof warning_, " (%s)", warning);
  }
  [[noreturn]] void raise(const char* message) noexcept {
    if (std::strcmp(message, "IEND: out of place") == 0)
      message = "it has no pixels (no chunk IDAT)";
    char text[300];
    std::snprintf(text, sizeof text, "the PNG file is damaged: %s%s", message, warning_);
    jump_.raise(text);
  }
  void read(uint8_t* into, size_t count) noexcept {
    if (count > file_.size() - position_) {
      char text[100];
      std::snprintf(text, sizeof text,
                    "the PNG file is truncated: it ends after %zu bytes, without the chunk IEND",
                    file_.size());
      jump_.raise(text);
    }
    std::memcpy(into, file_.data() + position_, count);
    position_ += count;
  }

  std::span<const uint8_t> file_;
  size_t position_ = 0;
  char warning_[120] = {};
  ErrorJump jump_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

// From the chunk eXIf, which may be before or after the pixels.
Orientation png_orientation(std::span<const uint8_t> file) {
  constexpr size_t kSignature = 8, kChunkHeader = 8, kChecksum = 4;
  for (size_t at = kSignature; file.size() - at >= kChunkHeader;) {
    const uint32_t length = png_get_uint_32(file.data() + at);
    const uint8_t* type = file.data() + at + 4;
    at += kChunkHeader;
    if (length > file.size() - at || file.size() - at - length < kChecksum) break;
    if (std::memcmp(type, "eXIf", 4) == 0)
      return exif_orientation(file.subspan(at, length)).value_or(Orientation{});
    at += length + kChecksum;
  }
  return {};
}

// Makes libpng deliver 8 bits of grey or RGB, with alpha where there is transparency. Returns the
// number of passes over the rows.
int request_bytes(png_structp png, png_infop info) {
  const int type = png_get_color_type(png, info);
  const int depth = png_get_bit_depth(png, info);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (png_get_valid(png, info, PNG_INFO_tRNS) != 0) png_set_tRNS_to_alpha(png);
  if (depth == 16) png_set_scale_16(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return passes;
}

// All passes over an interlaced image.
void read_passes(png_structp png, int passes, uint8_t* pixels, int64_t height, size_t row_bytes) {
  for (int pass = 0; pass < passes; ++pass)
    for (int64_t row = 0; row < height; ++row)
      png_read_row(png, pixels + static_cast<size_t>(row) * row_bytes, nullptr);
}

}  // namespace

ImageHeader read_png_image_header(std::span<const uint8_t> file) {
  return {Encoding::png, shown_shape(PngDecompressor(file).read_header(), png_orientation(file))};
}

void decode_png(std::span<const uint8_t> file, int64_t channels, Image& image) {
  PngDecompressor decompressor(file);
  const Shape header = decompressor.read_header();
  png_structp png = decompressor.png();
  png_infop info = decompressor.info();
  int passes = 1;
  decompressor.run([&] { passes = request_bytes(png, info); });
  const int64_t height = header[0], width = header[1];
  const int64_t stored_channels = png_get_channels(png, info);
  const auto row_bytes = static_cast<size_t>(width * stored_channels);
  check(png_get_rowbytes(png, info) == row_bytes, "libpng has rows of ",
        png_get_rowbytes(png, info), " bytes, expected ", row_bytes);
  ImageRows rows({height, width, stored_channels}, png_orientation(file), channels, image);
  if (passes > 1) {
    std::vector<uint8_t> all(rows.whole() ? 0 : static_cast<size_t>(height) * row_bytes);
    uint8_t* pixels = rows.whole() ? rows.memory(0) : all.data();
    decompressor.run([&] { read_passes(png, passes, pixels, height, row_bytes); });
    if (!rows.whole()) rows.place({0, height, pixels});
  } else {
    decompressor.run([&] {
      for (int64_t row = 0; row < height;) {
        const int64_t count = std::min(ImageRows::kStrip, height - row);
        read_passes(png, 1, rows.memory(row), count, row_bytes);
        rows.finish(row, count);
        row += count;
      }
    });
  }
  decompressor.run([&] { png_read_end(png, nullptr); });
}

}  // namespace d2l::data
