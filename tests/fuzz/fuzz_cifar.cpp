#include "data/formats/cifar.h"
#include "tests/fuzz/target.h"

// CIFAR's binary files. The first byte chooses the kind.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return -1;
  return d2l::fuzz::accepts_or_throws([&] {
    const auto kind = static_cast<d2l::data::CifarLabels>(bytes[0] % 3);
    const auto found = d2l::data::parse_cifar({bytes + 1, bytes + size}, "file", kind);
    d2l::fuzz::require(found.images.size() == found.labels.size() * 3072);
    for (uint8_t label : found.labels) d2l::fuzz::require(label < 100);
  });
}
