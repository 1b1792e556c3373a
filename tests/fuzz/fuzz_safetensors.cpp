#include "framework/weights/safetensors.h"
#include "tests/fuzz/memory_file.h"

// Files of weights in the safetensors format.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string& path = d2l::fuzz::memory_file(bytes, size);
  return d2l::fuzz::accepts_or_throws([&] {
    const auto file = d2l::weights::open_safetensors(path);
    uint64_t read = 0;
    for (size_t i = 0; i < file->weights().size(); ++i) {
      const d2l::weights::WeightInfo& info = file->weights()[i];
      read += static_cast<uint64_t>(info.shape.elements()) * d2l::weights::size_of(info.type);
      d2l::fuzz::require(read <= size);  // before an array of this size is allocated
      const auto elements = static_cast<size_t>(info.shape.elements());
      d2l::fuzz::require(file->read(i).size() == elements);
    }
  });
}
