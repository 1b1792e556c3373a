#include "data/formats/image.h"
#include "data/formats/jpeg_rows.h"
#include "data/transform/view.h"
#include "tests/fuzz/target.h"

// Views of JPEG files: the parser of headers and restart markers, the decoder of parts, and the
// rewriting of files. The first bytes choose the view.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 6) return -1;
  return d2l::fuzz::accepts_or_throws([&] {
    const std::span file(bytes + 6, size - 6);
    const auto header = d2l::data::read_image_header(file);
    const int64_t height = header.shape[0], width = header.shape[1];
    if (height * width > int64_t{1} << 18) return;
    d2l::data::ImageView view{.top = static_cast<double>(bytes[0] % height),
                              .left = static_cast<double>(bytes[1] % width),
                              .height = 1 + bytes[4] % 64,
                              .width = 1 + bytes[5] % 64};
    view.bottom = view.top + 1 + bytes[2] % (height - bytes[0] % height);
    view.right = view.left + 1 + bytes[3] % (width - bytes[1] % width);
    std::vector<uint8_t> result(static_cast<size_t>(view.height * view.width * 3));
    static d2l::data::ViewReader reader;  // reuses its memory, as in the loader
    const auto read = [&](std::span<const uint8_t> jpeg) {
      reader.read({.encoding = header.encoding, .bytes = jpeg, .shape = header.shape}, view, 3,
                  result.data());
    };
    if (header.encoding == d2l::data::Encoding::jpeg) read(d2l::data::index_jpeg(file).bytes);
    read(file);
  });
}
