#include "data/shards/shard_file.h"
#include "tests/fuzz/memory_file.h"

// Shards. Checksums always agree here, see agreeing_checksums.cpp.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string& path = d2l::fuzz::memory_file(bytes, size);
  return d2l::fuzz::accepts_or_throws([&] {
    const d2l::data::ShardFile shard(path);
    shard.verify();
    if (!shard.has_single_samples()) return;
    std::vector<uint8_t> memory;
    const auto records = shard.read_records(0, shard.blocks());
    for (size_t i = 0; i < records.size(); ++i) {
      const auto sample = shard.read_sample(static_cast<int64_t>(i), records[i], memory);
      d2l::fuzz::require(!sample.damage.empty() || sample.bytes.size() <= size);
      shard.name_of(static_cast<int64_t>(i));
    }
  });
}
