#include "tests/fuzz/annotated.h"
#include "vision/annotations/voc.h"

// Annotations of Pascal VOC, with all classes and with given ones.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace d2l::vision;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const std::vector<std::string>& names : {std::vector<std::string>{}, {"dog", "cat"}})
    d2l::fuzz::accepts_or_throws([&] {
      ClassNames classes(names);
      Annotations found;
      found.images.push_back(parse_voc(text, "a.xml", classes));
      std::move(classes).finish(found);
      d2l::fuzz::require(found.images[0].width > 0);
      d2l::fuzz::require_valid(found);
    });
  return 0;
}
