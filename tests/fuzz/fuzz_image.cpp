#include "data/formats/image.h"
#include "tests/fuzz/target.h"

// JPEG, PNG and WebP files. A real loader accepts up to 2^27 pixels; here larger images than 2^20
// pixels are left out, because decoding them takes long.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    const std::span file(bytes, size);
    const auto header = d2l::data::read_image_header(file);
    if (header.shape[0] * header.shape[1] > int64_t{1} << 20) return;
    d2l::data::Image image;
    d2l::data::decode_image(file, 3, image);
    d2l::fuzz::require(image.shape[0] == header.shape[0] && image.shape[1] == header.shape[1] &&
                       image.pixels.size() == static_cast<size_t>(image.shape.elements()));
  });
}
