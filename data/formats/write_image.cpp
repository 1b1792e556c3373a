#include "data/formats/write_image.h"

#include <png.h>

#include "data/formats/libjpeg.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr int64_t kMostJpegSide = 65500;  // of libjpeg

void check_image(const Image& image, const char* format) {
  check(image.shape.rank() == 3 && (image.shape[2] == 1 || image.shape[2] == 3) &&
            image.shape.elements() > 0 &&
            image.pixels.size() == static_cast<size_t>(image.shape.elements()),
        format, ": expected an image of 1 or 3 channels, found shape ", image.shape);
}

}  // namespace

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  check_image(image, "JPEG");
  check(image.shape[0] <= kMostJpegSide && image.shape[1] <= kMostJpegSide,
        "JPEG: expected sides of at most ", kMostJpegSide, " pixels, found shape ", image.shape);
  JpegCompressor compressor;
  jpeg_compress_struct& info = compressor.info();
  const size_t row_bytes = static_cast<size_t>(image.shape[1] * image.shape[2]);
  compressor.run([&] {
    info.image_height = static_cast<JDIMENSION>(image.shape[0]);
    info.image_width = static_cast<JDIMENSION>(image.shape[1]);
    info.input_components = static_cast<int>(image.shape[2]);
    info.in_color_space = image.shape[2] == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
      // libjpeg does not change the row
      JSAMPROW row = const_cast<uint8_t*>(image.pixels.data() + info.next_scanline * row_bytes);
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  });
  return {compressor.file().begin(), compressor.file().end()};
}

std::vector<uint8_t> encode_png(const Image& image) {
  check_image(image, "PNG");
  png_image description{};
  description.version = PNG_IMAGE_VERSION;
  description.height = static_cast<png_uint_32>(image.shape[0]);
  description.width = static_cast<png_uint_32>(image.shape[1]);
  description.format = image.shape[2] == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(description);
  std::vector<uint8_t> file(size);
  const int done = ::png_image_write_to_memory(&description, file.data(), &size, 0,
                                               image.pixels.data(), 0, nullptr);
  check(done != 0, "PNG: ", description.message);
  file.resize(size);
  return file;
}

}  // namespace d2l::data
