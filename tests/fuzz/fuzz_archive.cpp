#include "data/packing/archive.h"
#include "tests/fuzz/memory_file.h"

// Archives: libarchive with the limits that d2l sets.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string& path = d2l::fuzz::memory_file(bytes, size);
  return d2l::fuzz::accepts_or_throws([&] {
    d2l::data::ArchiveReader reader(path);
    d2l::data::ArchiveReader::Entry entry;
    std::vector<uint8_t> content;
    while (reader.next(entry)) {
      content.clear();
      reader.read(content, 1 << 20);
      d2l::fuzz::require(content.size() <= 1 << 20);
      const std::filesystem::path name(entry.name);
      for (const auto& part : name) d2l::fuzz::require(part != ".." && !name.is_absolute());
    }
  });
}
