#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "data/formats/image.h"
#include "data/formats/libjpeg.h"
#include "data/formats/orientation.h"

namespace d2l::data {

// What the header of a JPEG file says.
struct JpegHeader {
  // Numbers of samples in one MCU, the unit of interleaved scans.
  struct Sampling {
    int horizontal = 1, vertical = 1;
  };

  Shape stored;              // height, width, channels (1 or 3) before the orientation is applied
  Orientation orientation;   // from EXIF
  int components = 0;        // 1: grey, 3: YCbCr or RGB, 4: YCCK or CMYK
  bool progressive = false;  // otherwise sequential: baseline or extended
  bool arithmetic = false;   // arithmetic coding instead of Huffman coding
  int64_t restart_interval = 0;      // in MCUs; 0: no restart markers
  std::array<Sampling, 4> sampling;  // of the components
};

// Calls jpeg_read_header and checks the limits of image.h. Throws Error for files that are damaged
// or not supported: lossless, hierarchical, or not of 8 bits.
JpegHeader read_jpeg_header(JpegDecompressor& decompressor);

// ImageHeader and decode_image() for JPEG. Besides the result, a progressive file needs 2 bytes for
// each sample while it is decoded: 0.8 GB for the largest colour image.
ImageHeader read_jpeg_image_header(std::span<const uint8_t> file);
void decode_jpeg(std::span<const uint8_t> file, int64_t channels, Image& image);

}  // namespace d2l::data
