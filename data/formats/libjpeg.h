#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "data/formats/error_jump.h"
#include "data/formats/orientation.h"

// clang-format off
#include <jpeglib.h>  // needs <cstdio> before it
// clang-format on

namespace d2l::data {

// A progressive file with more scans is rejected: a small file could keep the decoder busy for
// minutes. This is one scan for each coefficient of each of four colour components; usual files
// have about ten.
constexpr int kMostScans = 256;

// Decompresses one JPEG file with libjpeg-turbo. Errors of the library are thrown as Error. So are
// those of its warnings that mean lost data: the end of the file before the end of the image, codes
// that do not exist, restart markers in the wrong order, and segments that end before their last
// block. Other warnings are only counted, because viewers show such files as they were meant:
// superfluous bytes, an unusual order of progressive scans, and a progressive scan of details (AC
// coefficients) that ends in its last row of blocks.
class JpegDecompressor {
 public:
  // `file` must outlive this object. Nothing is read yet.
  explicit JpegDecompressor(std::span<const uint8_t> file);
  ~JpegDecompressor();
  JpegDecompressor(JpegDecompressor&&) noexcept;
  JpegDecompressor& operator=(JpegDecompressor&&) noexcept;

  jpeg_decompress_struct& info();

  // Calls functions of the library on info() inside run(), as in run([&] { jpeg_...(&info()); }).
  // `calls` must not have variables with destructors while the library runs. After an Error, the
  // only further use of this object is its destructor.
  template <class Calls>
  void run(const Calls& calls) {
    jump().run(calls);
  }

  size_t file_bytes() const;
  // After jpeg_read_header: what the EXIF data say.
  Orientation orientation() const;
  int warnings() const;  // the number of warnings so far

 private:
  struct State;
  ErrorJump& jump();

  std::unique_ptr<State> state_;  // the library keeps pointers to its parts
};

// Compresses JPEG files in memory with libjpeg-turbo. Errors of the library are thrown as Error.
class JpegCompressor {
 public:
  JpegCompressor();
  ~JpegCompressor();
  JpegCompressor(JpegCompressor&&) noexcept;
  JpegCompressor& operator=(JpegCompressor&&) noexcept;

  jpeg_compress_struct& info();

  // As JpegDecompressor::run().
  template <class Calls>
  void run(const Calls& calls) {
    jump().run(calls);
  }

  // The file, after jpeg_finish_compress and until the next jpeg_start_compress.
  std::span<const uint8_t> file() const;

 private:
  struct State;
  ErrorJump& jump();

  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
