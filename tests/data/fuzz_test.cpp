#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "data/formats/cifar.h"
#include "data/formats/idx.h"
#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"
#include "tests/data/foreign_shard.h"
#include "tests/data/lying_shard.h"
#include "tests/data/mixed_shards.h"
#include "tests/data/mutation.h"
#include "tests/data/sealed_file.h"

namespace d2l::data::test {
namespace {

struct Tally {
  int refused = 0;
  int accepted = 0;

  // The error is one line that names the folder of the file.
  void refuse(const Error& error, const std::filesystem::path& folder) {
    const std::string message = error.what();
    EXPECT_NE(message.find(folder.string()), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    ++refused;
  }
};

// Every mutation is read, or rejected with one line that names the file.
template <class Read>
Tally fuzz(const std::filesystem::path& path, uint64_t rounds, const Read& read) {
  const std::vector<uint8_t> original = bytes_of(path);
  Tally tally;
  for (uint64_t round = 0; round < rounds; ++round) {
    try {
      read(mutate(original, round));
      ++tally.accepted;
    } catch (const Error& error) {
      tally.refuse(error, path.parent_path());
    }
  }
  return tally;
}

TEST(Fuzz, IdxFiles) {
  for (const char* name : {"plain", "packed.gz"}) {
    TemporaryFolder folder;
    const auto path = folder.path() / name;
    std::vector<uint8_t> images = noise(6 * 5 * 4);
    for (uint8_t& byte : images) byte &= 3;
    write_idx(path, {6, 5, 4}, images);
    const Tally tally = fuzz(path, 20000, [&](const std::vector<uint8_t>& bytes) {
      const IdxArray array = parse_idx(bytes, path.string());
      ASSERT_EQ(static_cast<uint64_t>(array.shape.elements()), array.bytes.size());
      ASSERT_LT(array.bytes.size(), 1000U);
    });
    EXPECT_GT(tally.refused, 5000) << name;
    EXPECT_GT(tally.accepted, 100) << name;
  }
}

TEST(Fuzz, Cifar10Files) {
  TemporaryFolder folder;
  const auto path = folder.path() / "data_batch_1.bin";
  std::vector<uint8_t> records = noise(3 * 3073);
  for (size_t i = 0; i < 3; ++i) records[i * 3073] = static_cast<uint8_t>(9 - i);
  write_bytes(path, records);
  const Tally tally = fuzz(path, 5000, [&](const std::vector<uint8_t>& bytes) {
    const CifarRecords found = parse_cifar(bytes, path.string(), CifarLabels::ten);
    ASSERT_EQ(found.labels.size() * 3073, bytes.size());
    ASSERT_EQ(found.images.size(), found.labels.size() * 3072);
    for (uint8_t label : found.labels) ASSERT_LT(label, 10);
  });
  EXPECT_GT(tally.refused, 1000);
  EXPECT_GT(tally.accepted, 1000);
}

TEST(Fuzz, Shards) {
  const auto source = small_dataset(40);
  const Content expected = content_of(*source);
  using Write = std::function<void(const std::filesystem::path& folder)>;
  auto version2 = [&](int deflate) -> Write {
    return [&, deflate](const auto& folder) { write_shards(folder, *source, 1, 16, deflate); };
  };
  auto version1 = [&](const std::vector<int>& filters) -> Write {
    return [&, filters](const auto& folder) {
      write_foreign(folder / "train-00000-of-00001.h5", *source, {.filters = filters, .chunk = 16});
    };
  };
  for (const Write& write :
       {version2(0), version2(6), version1({H5Z_FILTER_FLETCHER32}),
        version1({H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32})}) {
    TemporaryFolder folder;
    write(folder.path());
    const auto path = folder.path() / "train-00000-of-00001.h5";
    const Tally tally = fuzz(path, 5000, [&](const std::vector<uint8_t>& bytes) {
      write_bytes(path, bytes);
      const ShardDataset dataset(folder.path(), Split::train);
      ASSERT_EQ(content_of(dataset), expected);
    });
    EXPECT_GT(tally.refused, 2500);
    EXPECT_GT(tally.accepted, 50);
  }
}

// That reading mutated shards may need.
#ifdef D2L_SANITIZE
constexpr int64_t kMostMemory = int64_t{640} << 20;  // freed memory is kept for a while
#else
constexpr int64_t kMostMemory = int64_t{64} << 20;
#endif

int64_t most_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// Mutated shards of samples of many kinds: what verify() accepts is what was written, and no way of
// reading gives other samples.
TEST(Fuzz, MixedShards) {
  const std::vector<MixedSample> samples = mixed_samples(40);
  for (int deflate : {0, 6}) {
    TemporaryFolder folder;
    write_mixed(folder.path(), samples, {.chunk_bytes = 2000, .deflate = deflate});
    const auto path = folder.path() / "train-00000-of-00001.h5";
    int whole = 0;
    const Tally tally = fuzz(path, 5000, [&](const std::vector<uint8_t>& bytes) {
      write_bytes(path, bytes);
      const bool single = bytes.size() % 2 == 0;
      const ShardDataset dataset(folder.path(), Split::train,
                                 {.cache_bytes = single ? 0 : uint64_t{1} << 20});
      dataset.visit(
          range(0, 40),
          [&](size_t position, const Sample& sample) {
            const MixedSample& expected = samples[position];
            if (!sample.damage.empty()) return;
            ASSERT_EQ(sample.encoding, expected.encoding);
            ASSERT_EQ(sample.shape, expected.shape);
            ASSERT_EQ(sample.label, expected.label);
            ASSERT_TRUE(std::ranges::equal(sample.bytes, expected.bytes));
          },
          OnDamage::visit);
      ShardFile(path).verify();
      ASSERT_EQ(samples_of(dataset), samples);
      ++whole;
    });
    EXPECT_GT(tally.refused, 2500);
    EXPECT_GT(whole, 50);
  }
}

// Wrong tables with right checksums. If they are accepted, they must be safe to use.
TEST(Fuzz, TablesWithRightChecksums) {
  TemporaryFolder folder;
  const auto path = folder.path() / "train-00000-of-00001.h5";
  write_mixed(folder.path(), mixed_samples(40), {.chunk_bytes = 2000, .deflate = 6});
  const std::vector<uint8_t> original = bytes_of(path);
  const std::vector<std::string> tables{"chunks", "records", "class_counts", "pixel_sums", "names"};
  Tally tally;
  uint64_t seen = 0;  // so that every byte is read
  const int64_t memory = most_memory();
  for (uint64_t round = 0; round < 600; ++round) {
    const RngKey key{round, stream_of("tables")};
    uint64_t draw = 0;
    auto below = [&](uint64_t bound) { return random_below(key, draw++, bound); };
    write_bytes(path, original);
    const uint64_t changes = 1 + below(2);
    for (uint64_t i = 0; i < changes; ++i)
      rewrite_dataset(path, tables[below(tables.size())], [&](std::vector<uint8_t>& elements) {
        const size_t width = size_t{1} << below(4);
        const size_t at = below((elements.size() - width) / width + 1) * width;
        uint64_t value = 0;
        std::memcpy(&value, elements.data() + at, width);
        const std::vector<uint64_t> values{0,
                                           ~uint64_t{0},
                                           value + 1,
                                           value - 1,
                                           value << below(64),
                                           below(256),
                                           uint64_t{1} << below(64)};
        value = values[below(values.size())];
        std::memcpy(elements.data() + at, &value, width);
      });
    correct_chunks(path);
    try {
      const ShardDataset dataset(folder.path(), Split::train);
      dataset.visit(
          range(0, 40),
          [&](size_t, const Sample& sample) {
            seen ^= checksum(sample.bytes.data(), sample.bytes.size());
          },
          OnDamage::visit);
      for (int64_t index = 0; index < 40; ++index) dataset.place_of(index);
      ShardFile(path).verify();
      ++tally.accepted;
    } catch (const Error& error) {
      tally.refuse(error, folder.path());
    }
  }
  EXPECT_GT(tally.refused, 300);
  EXPECT_GT(tally.accepted, 20);
  EXPECT_LT(most_memory() - memory, kMostMemory);
}

// Changes numbers in a file's structures and corrects all checksums.
std::vector<uint8_t> mutate_sealed(SealedFile file, uint64_t round) {
  const RngKey key{round, stream_of("sealed mutation")};
  uint64_t draw = 0;
  auto below = [&](uint64_t bound) { return random_below(key, draw++, bound); };
  std::vector<uint8_t>& bytes = file.bytes();
  const uint64_t changes = 1 + below(3);
  for (uint64_t i = 0; i < changes; ++i) {
    const SealedFile::Part& part = file.parts()[below(file.parts().size())];
    const size_t width = size_t{1} << below(4);
    const size_t at = part.begin + below(part.end - part.begin - width);
    uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, width);
    const SealedFile::Part& other = file.parts()[below(file.parts().size())];
    const std::vector<uint64_t> values{0,
                                       ~uint64_t{0},
                                       value + 1,
                                       value - 1,
                                       value << below(64),
                                       below(256),
                                       random_word(key, draw++),
                                       bytes.size() - below(64),
                                       other.begin,
                                       uint64_t{1} << below(64)};
    value = values[below(values.size())];
    std::memcpy(bytes.data() + at, &value, width);
  }
  file.seal();
  return bytes;
}

// Shards with wrong structures but correct checksums. If they are accepted, they must be safe to
// use and must not need more memory than their file size allows.
TEST(Fuzz, ShardsWithRightChecksums) {
  constexpr uint64_t kRounds = 300;
  using Writer = std::function<void(const std::filesystem::path& folder, const Dataset& source)>;
  const auto foreign = [](const ForeignWriter& writer) -> Writer {
    return [=](const std::filesystem::path& folder, const Dataset& source) {
      write_foreign(folder / "train-00000-of-00001.h5", source, writer);
    };
  };
  const std::vector<std::pair<int64_t, Writer>> writers{
      {40, [](const auto& folder, const Dataset& source) { write_shards(folder, source, 1, 16); }},
      {40,
       [](const auto& folder, const Dataset& source) { write_shards(folder, source, 1, 16, 6); }},
      {1030, [](const auto& folder, const Dataset& source) { write_shards(folder, source, 1, 1); }},
      {40, foreign({.chunk = 16})},
      {40, foreign({.filters = {H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32}, .chunk = 16})},
      {1030, foreign({.chunk = 1})},
      {300, foreign({.chunk = 1, .most_samples = H5S_UNLIMITED})},
      {40, foreign({.remember_order = true, .more_attributes = 100, .more_groups = 30})}};
  Tally tally;
  const int64_t memory = most_memory();
  for (const auto& [samples, write] : writers) {
    TemporaryFolder folder;
    write(folder.path(), *small_dataset(samples));
    const auto path = folder.path() / "train-00000-of-00001.h5";
    const SealedFile original(bytes_of(path));
    ASSERT_GT(original.parts().size(), 8U);
    for (uint64_t round = 0; round < kRounds; ++round) {
      write_bytes(path, mutate_sealed(original, round));
      try {
        const ShardDataset dataset(folder.path(), Split::train);
        content_of(dataset);
        ++tally.accepted;
      } catch (const Error& error) {
        tally.refuse(error, folder.path());
      }
    }
  }
  EXPECT_GT(tally.refused, 500);
  EXPECT_GT(tally.accepted, 100);
  EXPECT_LT(most_memory() - memory, kMostMemory);
}

}  // namespace
}  // namespace d2l::data::test
