#include "framework/weights/numpy_file.h"
#include "tests/fuzz/memory_file.h"

// Files of weights in NumPy's formats: .npz archives begin with "PK", all other inputs are .npy.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string& path = d2l::fuzz::memory_file(bytes, size);
  const bool is_archive = size > 0 && bytes[0] == 'P';
  return d2l::fuzz::accepts_or_throws([&] {
    const auto file = is_archive
                          ? d2l::weights::open_npz(std::make_unique<d2l::weights::ZipFile>(path))
                          : d2l::weights::open_npy(path);
    for (size_t i = 0; i < file->weights().size(); ++i) {
      const auto elements = static_cast<size_t>(file->weights()[i].shape.elements());
      d2l::fuzz::require(elements <= 1032 * size);  // the most that deflate allows
      d2l::fuzz::require(file->read(i).size() == elements);
    }
  });
}
