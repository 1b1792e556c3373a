#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/dataset.h"

// The tables of format version 2, as docs/data-format.md specifies them. All numbers are
// little-endian, as in memory.
namespace d2l::data {

// The most bytes in a chunk, and so in a sample, in the names of a chunk's samples, in the labels
// of version 1 and in the class names, so that a small malicious file cannot exhaust its reader's
// memory.
constexpr uint64_t kMostChunkBytes = uint64_t{1} << 28;
constexpr uint64_t kMostChunksInShard = uint64_t{1} << 22;
constexpr int64_t kMostClasses = int64_t{1} << 20;
constexpr int64_t kMostSamples = int64_t{1} << 48;  // of a split
constexpr uint64_t kMostNameBytes = uint64_t{1} << 16;

// One row of the HDF5 dataset `records`: a sample.
struct SampleRecord {
  uint64_t checksum = 0;  // of its bytes
  uint32_t offset = 0;    // of its bytes in its chunk
  uint32_t bytes = 0;
  uint32_t label = 0;
  uint32_t height = 0, width = 0;  // of the image as a viewer shows it
  uint16_t channels = 0;
  uint16_t encoding = 0;  // see Encoding
};

// One row of the HDF5 dataset `chunks`.
struct ChunkRow {
  uint64_t first = 0, samples = 0;  // its samples, counted within the shard
  uint64_t offset = 0;              // of its stored bytes in `data`
  uint64_t stored_bytes = 0;
  uint64_t bytes = 0;             // decompressed
  uint64_t checksum = 0;          // of the stored bytes
  uint64_t records_checksum = 0;  // of the rows of `records` of its samples
  uint64_t names_offset = 0;      // of the names of its samples in `names`
  uint64_t names_bytes = 0;
  uint64_t names_checksum = 0;
};

struct Column {
  std::string_view name;
  size_t bytes;
};

constexpr std::array<Column, 8> kRecordColumns{{{"checksum", 8},
                                                {"offset", 4},
                                                {"bytes", 4},
                                                {"label", 4},
                                                {"height", 4},
                                                {"width", 4},
                                                {"channels", 2},
                                                {"encoding", 2}}};
constexpr std::array<Column, 10> kChunkColumns{{{"first", 8},
                                                {"samples", 8},
                                                {"offset", 8},
                                                {"stored_bytes", 8},
                                                {"bytes", 8},
                                                {"checksum", 8},
                                                {"records_checksum", 8},
                                                {"names_offset", 8},
                                                {"names_bytes", 8},
                                                {"names_checksum", 8}}};
static_assert(sizeof(SampleRecord) == 32 && sizeof(ChunkRow) == 80, "no gaps between columns");

// What is wrong with a record of a dataset with `info`, whatever its checksum; empty if nothing.
// Does not look at the record's offset.
std::string problem_of(const SampleRecord& record, const DatasetInfo& info);

}  // namespace d2l::data
