#include "data/formats/jpeg.h"

#include <algorithm>
#include <vector>

#include "data/formats/image_rows.h"
#include "framework/base/error.h"

namespace d2l::data {

namespace {

// Each block of 8 x 8 pixels needs at least one bit of Huffman code.
constexpr int64_t kMostPixelsPerByte = 512;

// Replaces CMYK pixels by RGB ones as Pillow does, in the same memory. Adobe's files store 255 -
// ink.
void cmyk_to_rgb(uint8_t* pixels, int64_t count, bool inverted) {
  const uint8_t flip = inverted ? 0 : 255;
  const uint8_t* from = pixels;
  for (int64_t i = 0; i < count; ++i, from += 4, pixels += 3) {
    const uint32_t light = from[3] ^ flip;
    for (int c = 0; c < 3; ++c)
      pixels[c] = static_cast<uint8_t>(((from[c] ^ flip) * light + 127) / 255);
  }
}

// Reads `count` rows of `row_bytes` bytes each; the rows of the file must not end before.
void read_rows(jpeg_decompress_struct& info, uint8_t* into, size_t row_bytes, int64_t count) {
  JSAMPROW rows[ImageRows::kStrip];
  for (int64_t i = 0; i < count; ++i) rows[i] = into + static_cast<size_t>(i) * row_bytes;
  for (int64_t done = 0; done < count;)
    done += jpeg_read_scanlines(&info, rows + done, static_cast<JDIMENSION>(count - done));
}

}  // namespace

JpegHeader read_jpeg_header(JpegDecompressor& decompressor) {
  jpeg_decompress_struct& info = decompressor.info();
  decompressor.run([&] { jpeg_read_header(&info, TRUE); });
  JpegHeader header;
  header.components = info.num_components;
  check(header.components == 1 || header.components == 3 || header.components == 4, "JPEG with ",
        header.components, " colour components is not supported (expected 1, 3 or 4)");
  header.stored = {info.image_height, info.image_width, header.components == 1 ? 1 : 3};
  check_image_size("JPEG", header.stored[0], header.stored[1], decompressor.file_bytes(),
                   kMostPixelsPerByte);
  header.orientation = decompressor.orientation();
  header.progressive = info.progressive_mode != 0;
  header.arithmetic = info.arith_code != 0;
  header.restart_interval = info.restart_interval;
  for (size_t i = 0; i < static_cast<size_t>(header.components); ++i)
    header.sampling[i] = {info.comp_info[i].h_samp_factor, info.comp_info[i].v_samp_factor};
  return header;
}

ImageHeader read_jpeg_image_header(std::span<const uint8_t> file) {
  JpegDecompressor decompressor(file);
  const JpegHeader header = read_jpeg_header(decompressor);
  return {Encoding::jpeg, shown_shape(header.stored, header.orientation)};
}

void decode_jpeg(std::span<const uint8_t> file, int64_t channels, Image& image) {
  JpegDecompressor decompressor(file);
  const JpegHeader header = read_jpeg_header(decompressor);
  jpeg_decompress_struct& info = decompressor.info();
  const int64_t height = header.stored[0], width = header.stored[1];
  const bool cmyk = header.components == 4;
  // The library itself turns grey into RGB.
  const bool grey = header.components == 1 && channels == 1;
  ImageRows rows({height, width, grey ? 1 : 3}, header.orientation, channels, image);
  std::vector<uint8_t> inks(cmyk ? static_cast<size_t>(ImageRows::kStrip * width * 4) : 0);
  decompressor.run([&] {
    info.out_color_space = cmyk ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info);
    for (int64_t row = 0; row < height;) {
      const int64_t count = std::min(ImageRows::kStrip, height - row);
      uint8_t* memory = rows.memory(row);
      if (cmyk) {
        read_rows(info, inks.data(), static_cast<size_t>(width * 4), count);
        cmyk_to_rgb(inks.data(), count * width, info.saw_Adobe_marker != 0);
        std::copy_n(inks.data(), count * width * 3, memory);
      } else {
        read_rows(info, memory, static_cast<size_t>(width * (grey ? 1 : 3)), count);
      }
      rows.finish(row, count);
      row += count;
    }
    jpeg_finish_decompress(&info);
  });
}

}  // namespace d2l::data
