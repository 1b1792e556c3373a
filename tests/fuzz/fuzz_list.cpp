#include "data/packing/list_file.h"
#include "tests/fuzz/target.h"

// Lists of images: CSV and plain text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  return d2l::fuzz::accepts_or_throws([&] {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto lines = d2l::data::parse_list(text, "list");
    for (const auto& line : lines) d2l::fuzz::require(!line.path.empty() && line.number > 0);
    d2l::data::content_of_lists(
        {.train = lines, .test = {}, .train_name = "list", .test_name = ""});
  });
}
