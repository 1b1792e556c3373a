#pragma once

#include <cstring>
#include <filesystem>
#include <vector>

#include "data/shards/shard_format.h"
#include "framework/base/checksum.h"
#include "tests/data/foreign_shard.h"

namespace d2l::data::test {

// Changes the rows of a table of a shard, and corrects its checksum.
template <class Row, class Change>
void change_rows(const std::filesystem::path& path, const std::string& table,
                 const Change& change) {
  rewrite_dataset(path, table, [&](std::vector<uint8_t>& elements) {
    std::vector<Row> rows(elements.size() / sizeof(Row));
    std::memcpy(rows.data(), elements.data(), elements.size());
    change(rows);
    std::memcpy(elements.data(), rows.data(), elements.size());
  });
}

// Corrects the checksums of records and names in the chunks of a shard, where they are inside.
inline void correct_chunks(const std::filesystem::path& path) {
  std::vector<uint8_t> records, names;
  rewrite_dataset(path, "records", [&](std::vector<uint8_t>& elements) { records = elements; });
  rewrite_dataset(path, "names", [&](std::vector<uint8_t>& elements) { names = elements; });
  auto sum = [](const std::vector<uint8_t>& bytes, uint64_t begin, uint64_t count) {
    const bool inside = begin <= bytes.size() && count <= bytes.size() - begin;
    return inside ? checksum(bytes.data() + begin, count) : 0;
  };
  change_rows<ChunkRow>(path, "chunks", [&](std::vector<ChunkRow>& chunks) {
    for (ChunkRow& chunk : chunks) {
      const uint64_t size = sizeof(SampleRecord);
      chunk.records_checksum = sum(records, chunk.first * size, chunk.samples * size);
      chunk.names_checksum = sum(names, chunk.names_offset, chunk.names_bytes);
    }
  });
}

}  // namespace d2l::data::test
