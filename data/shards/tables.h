#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/shards/shard_content.h"

namespace d2l::data {

// Where the parts of a shard of version 2 are, and those that stay in memory.
struct ShardTables {
  std::vector<ChunkRow> chunks;
  std::optional<PixelSums> sums;
  hdf5::PlainArray data, records, names, class_counts;
};

// Reads and verifies the HDF5 datasets of version 2 except the samples, their records and names.
// Sets info.samples and the class names. Throws FormatError.
ShardTables read_tables(const InputFile& file, const ShardRoot& root, ShardInfo& info);

std::vector<int64_t> read_class_counts(const InputFile& file, const hdf5::PlainArray& counts);

// What is wrong with the records of a chunk; empty if nothing.
std::string problem_of(std::span<const SampleRecord> records, const ChunkRow& chunk,
                       const DatasetInfo& info);

}  // namespace d2l::data
