#include "tests/data/webp_support.h"

#include <webp/encode.h>

namespace d2l::data::test {

namespace {

using Bytes = std::vector<uint8_t>;

void put(Bytes& bytes, uint64_t number, int width) {
  for (int i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(number >> 8 * i));
}

Bytes riff_chunk(const std::string& name, const Bytes& content) {
  Bytes chunk(name.begin(), name.end());
  put(chunk, content.size(), 4);
  chunk.insert(chunk.end(), content.begin(), content.end());
  if (content.size() % 2 == 1) chunk.push_back(0);
  return chunk;
}

Bytes riff(const std::vector<Bytes>& chunks) {
  Bytes content{'W', 'E', 'B', 'P'};
  for (const Bytes& chunk : chunks) content.insert(content.end(), chunk.begin(), chunk.end());
  return riff_chunk("RIFF", content);
}

// The chunk at the beginning of an extended file.
Bytes extended(uint8_t flags, int height, int width) {
  Bytes content{flags, 0, 0, 0};
  put(content, static_cast<uint64_t>(width - 1), 3);
  put(content, static_cast<uint64_t>(height - 1), 3);
  return riff_chunk("VP8X", content);
}

}  // namespace

Bytes make_webp(const Bytes& pixels, int height, int width, int channels, bool lossless) {
  uint8_t* output = nullptr;
  size_t size = 0;
  if (channels == 4)
    size = WebPEncodeLosslessRGBA(pixels.data(), width, height, 4 * width, &output);
  else if (lossless)
    size = WebPEncodeLosslessRGB(pixels.data(), width, height, 3 * width, &output);
  else
    size = WebPEncodeRGB(pixels.data(), width, height, 3 * width, 90, &output);
  Bytes file(output, output + size);
  WebPFree(output);
  return file;
}

Bytes webp_with_exif(const Bytes& pixels, int height, int width, const Bytes& exif) {
  const Bytes plain = make_webp(pixels, height, width, 3, true);
  const Bytes image(plain.begin() + 12, plain.end());
  return riff({extended(0x08, height, width), image, riff_chunk("EXIF", exif)});
}

Bytes animated_webp() {
  const Bytes plain = make_webp(test_picture(8, 8, 3), 8, 8, 3, true);
  Bytes frame;
  put(frame, 0, 6);  // position
  put(frame, 7, 3);
  put(frame, 7, 3);
  put(frame, 100, 3);  // milliseconds
  frame.push_back(0);
  frame.insert(frame.end(), plain.begin() + 12, plain.end());
  return riff({extended(0x02, 8, 8), riff_chunk("ANIM", Bytes(6, 0)), riff_chunk("ANMF", frame),
               riff_chunk("ANMF", frame)});
}

}  // namespace d2l::data::test
