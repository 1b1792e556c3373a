#include "data/formats/jpeg_rows.h"

#include <algorithm>
#include <array>

#include "data/formats/jpeg.h"
#include "data/formats/libjpeg.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr int kSegmentPixels = 64;  // from a restart marker to the next

// libjpeg-turbo smooths images of which only the first scans are there. Its criterion: the first
// coefficients of each component are completely known.
bool is_complete(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode) return true;
  for (int component = 0; component < info.num_components; ++component)
    if (std::any_of(info.coef_bits[component], info.coef_bits[component] + 10,
                    [](int missing) { return missing != 0; }))
      return false;
  return true;
}

// EXIF data with one directory of one entry.
std::array<uint8_t, 32> exif_with(Orientation orientation) {
  uint8_t value = 1;
  while (orientation_from(value) != orientation) ++value;
  return {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42,    0, 0,
          0,   8,                                               // the directory is at offset 8
          0,   1,                                               // entries
          1,   0x12, 0,   3,   0, 0, 0,   1,   0, value, 0, 0,  // tag, type, count, value
          0,   0,    0,   0};                                   // no more directories
}

std::vector<uint8_t> rewritten(JpegDecompressor& from, const JpegHeader& header) {
  JpegCompressor to;
  jpeg_decompress_struct& in = from.info();
  jpeg_compress_struct& out = to.info();
  jvirt_barray_ptr* coefficients = nullptr;
  from.run([&] { coefficients = jpeg_read_coefficients(&in); });
  check(is_complete(in), "progressive scans are missing");
  const std::array<uint8_t, 32> exif = exif_with(header.orientation);
  // the compressor also calls functions of the decompressor, which owns the coefficients
  from.run([&] {
    to.run([&] {
      jpeg_copy_critical_parameters(&in, &out);
      out.optimize_coding = TRUE;
      out.restart_interval =
          static_cast<unsigned>(std::max(1, kSegmentPixels / (in.max_h_samp_factor * DCTSIZE)));
      jpeg_write_coefficients(&out, coefficients);
      if (!header.orientation.upright())
        jpeg_write_marker(&out, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
      jpeg_finish_compress(&out);
    });
  });
  return {to.file().begin(), to.file().end()};
}

}  // namespace

IndexedJpeg index_jpeg(std::span<const uint8_t> file) {
  try {
    JpegDecompressor decompressor(file);
    const JpegHeader header = read_jpeg_header(decompressor);
    check(header.components != 4, "it has four colour components");
    return {rewritten(decompressor, header), ""};
  } catch (const Error& error) {
    return {{file.begin(), file.end()}, error.what()};
  }
}

}  // namespace d2l::data
