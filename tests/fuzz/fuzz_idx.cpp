#include "data/formats/idx.h"
#include "tests/fuzz/target.h"

// IDX files, compressed or not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    const d2l::data::IdxArray array = d2l::data::parse_idx({bytes, bytes + size}, "file");
    d2l::fuzz::require(static_cast<uint64_t>(array.shape.elements()) == array.bytes.size());
  });
}
