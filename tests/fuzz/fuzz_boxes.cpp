#include "tests/fuzz/annotated.h"
#include "vision/annotations/box_csv.h"

// Tables of boxes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    d2l::data::CsvReader reader("b.csv", [&](std::span<char> into) {
      const size_t count = text.copy(into.data(), into.size());
      text.remove_prefix(count);
      return count;
    });
    d2l::fuzz::require_valid(d2l::vision::parse_box_csv(reader));
  });
}
