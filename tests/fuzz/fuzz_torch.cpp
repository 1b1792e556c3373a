#include "framework/weights/torch_file.h"
#include "tests/fuzz/memory_file.h"

// PyTorch's files: ZIP archives, and everything else as the older form. Large arrays are not read:
// their elements can be repeated, so that a small file has up to 2^24 of them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace d2l;
  const std::string& path = fuzz::memory_file(bytes, size);
  return fuzz::accepts_or_throws([&] {
    const bool is_zip = size >= 2 && bytes[0] == 'P' && bytes[1] == 'K';
    const auto file = is_zip ? weights::open_torch_zip(std::make_unique<weights::ZipFile>(path))
                             : weights::open_torch_legacy(path);
    int64_t left = 1 << 20;
    for (size_t i = 0; i < file->weights().size(); ++i) {
      const int64_t elements = file->weights()[i].shape.elements();
      if (elements > left) continue;
      left -= elements;
      fuzz::accepts_or_throws([&] {  // may be damaged
        fuzz::require(static_cast<int64_t>(file->read(i).size()) == elements);
      });
    }
  });
}
