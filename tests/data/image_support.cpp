#include "tests/data/image_support.h"

#include <zlib.h>

namespace d2l::data::test {

std::vector<uint8_t> test_picture(int64_t height, int64_t width, int channels) {
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        // all directions differ, and no symmetry is left
        const int64_t across = (c + 1) * x, down = (4 - c) * y + x * y / (8 + c);
        const int64_t most = (c + 1) * width + (4 - c) * height + width * height / (8 + c);
        pixels.push_back(static_cast<uint8_t>(30 + 190 * (across + down) / most));
      }
  return pixels;
}

std::vector<uint8_t> make_jpeg(const JpegRecipe& recipe) {
  std::vector<uint8_t> pixels = test_picture(recipe.height, recipe.width, recipe.components);
  JpegCompressor compressor;
  jpeg_compress_struct& info = compressor.info();
  compressor.run([&] {
    info.image_height = static_cast<JDIMENSION>(recipe.height);
    info.image_width = static_cast<JDIMENSION>(recipe.width);
    info.input_components = recipe.components;
    info.in_color_space = recipe.components == 3   ? JCS_RGB
                          : recipe.components == 4 ? JCS_CMYK
                                                   : recipe.stored;
    jpeg_set_defaults(&info);
    jpeg_set_colorspace(&info, recipe.stored);
    info.comp_info[0].h_samp_factor = recipe.horizontal;
    if (recipe.without_adobe) info.write_Adobe_marker = FALSE;
    info.comp_info[0].v_samp_factor = recipe.vertical;
    jpeg_set_quality(&info, recipe.quality, TRUE);
    if (recipe.progressive) jpeg_simple_progression(&info);
    info.arith_code = recipe.arithmetic ? TRUE : FALSE;
    info.restart_interval = static_cast<unsigned>(recipe.restart_interval);
    jpeg_start_compress(&info, TRUE);
    for (int64_t y = 0; y < recipe.height; ++y) {
      JSAMPROW row = pixels.data() + y * recipe.width * recipe.components;
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  });
  return {compressor.file().begin(), compressor.file().end()};
}

std::vector<uint8_t> exif_data(int value, bool big_endian) {
  std::vector<uint8_t> bytes;
  const auto put = [&](uint32_t number, int width) {
    for (int i = 0; i < width; ++i)
      bytes.push_back(static_cast<uint8_t>(number >> 8 * (big_endian ? width - 1 - i : i)));
  };
  bytes.assign(2, big_endian ? 'M' : 'I');
  put(42, 2);
  put(8, 4);      // the directory is next
  put(1, 2);      // entries
  put(0x112, 2);  // orientation
  put(3, 2);      // a 16-bit number
  put(1, 4);      // one of them
  put(static_cast<uint32_t>(value), 2);
  put(0, 2);
  put(0, 4);  // no other directory
  return bytes;
}

std::vector<uint8_t> with_bytes(std::vector<uint8_t> file, size_t at,
                                const std::vector<uint8_t>& bytes) {
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
  return file;
}

std::vector<uint8_t> with_exif(const std::vector<uint8_t>& jpeg, const std::vector<uint8_t>& exif) {
  const size_t length = exif.size() + 8;
  std::vector<uint8_t> segment{0xff,
                               0xe1,
                               static_cast<uint8_t>(length >> 8),
                               static_cast<uint8_t>(length),
                               'E',
                               'x',
                               'i',
                               'f',
                               0,
                               0};
  segment.insert(segment.end(), exif.begin(), exif.end());
  return with_bytes(jpeg, 2, segment);
}

namespace {

void put_big_endian(std::vector<uint8_t>& bytes, uint64_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<uint8_t>(number >> shift));
}

void append(std::vector<uint8_t>& bytes, const std::vector<uint8_t>& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace

std::vector<uint8_t> png_chunk(const std::string& type, const std::vector<uint8_t>& content) {
  std::vector<uint8_t> chunk;
  put_big_endian(chunk, content.size());
  chunk.insert(chunk.end(), type.begin(), type.end());
  append(chunk, content);
  put_big_endian(chunk, crc32(0, chunk.data() + 4, static_cast<uInt>(chunk.size() - 4)));
  return chunk;
}

std::vector<uint8_t> make_png(const PngRecipe& recipe) {
  std::vector<uint8_t> header, rows;
  put_big_endian(header, recipe.width);
  put_big_endian(header, recipe.height);
  append(header, {recipe.depth, recipe.colour_type, 0, 0, 0});
  const size_t row_bytes = recipe.rows.size() / recipe.height;
  for (size_t row = 0; row < recipe.height; ++row) {
    rows.push_back(0);  // no filter
    const auto begin = recipe.rows.begin() + static_cast<std::ptrdiff_t>(row * row_bytes);
    rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(row_bytes));
  }
  uLongf size = compressBound(rows.size());
  std::vector<uint8_t> deflated(size);
  compress(deflated.data(), &size, rows.data(), rows.size());
  deflated.resize(size);
  std::vector<uint8_t> file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append(file, png_chunk("IHDR", header));
  append(file, recipe.before_pixels);
  append(file, png_chunk("IDAT", deflated));
  append(file, recipe.after_pixels);
  append(file, png_chunk("IEND", {}));
  return file;
}

}  // namespace d2l::data::test
