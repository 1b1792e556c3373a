#include <string>

#include "data/table/table_dataset.h"
#include "tests/fuzz/memory_file.h"

// Packed tables, and forms of tables as text. Checksums always agree here, see
// agreeing_checksums.cpp.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace d2l::data;
  return d2l::fuzz::accepts_or_throws([&] {
    const std::string text(bytes, bytes + size);
    if (text.starts_with("d2l-table")) {
      d2l::fuzz::require(TableForm::parse(text).text() == text);
      return;
    }
    const TableDataset dataset(read_table(d2l::fuzz::memory_file(bytes, size)));
    for (int64_t index = 0; index < dataset.samples(); ++index) {
      dataset.visit(std::span(&index, 1), [&](size_t, const Sample& sample) {
        d2l::fuzz::require(sample.bytes.size() <= size);
      });
      dataset.place_of(index);
      dataset.name_of(index);
    }
    dataset.fingerprint();
  });
}
