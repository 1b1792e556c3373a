#include "framework/weights/keras_file.h"
#include "tests/fuzz/memory_file.h"

// Files of Keras, all arrays of which are read: each lies inside the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace d2l;
  const std::string& path = fuzz::memory_file(bytes, size);
  return fuzz::accepts_or_throws([&] {
    const auto file = weights::open_keras(path);
    int64_t left = 1 << 20;  // many arrays can be in the same place
    for (size_t i = 0; i < file->weights().size(); ++i) {
      const int64_t elements = file->weights()[i].shape.elements();
      if (elements > left) continue;
      left -= elements;
      fuzz::accepts_or_throws([&] {  // a number may be too large for f32
        fuzz::require(static_cast<int64_t>(file->read(i).size()) == elements);
      });
    }
  });
}
