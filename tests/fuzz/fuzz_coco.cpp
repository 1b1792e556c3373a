#include "tests/fuzz/annotated.h"
#include "vision/annotations/coco.h"

// Annotations of COCO.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    d2l::fuzz::require_valid(d2l::vision::parse_coco(text, "c.json"));
  });
}
