#include "data/cifar_file.h"
#include "data/idx_file.h"
#include "data/shard_dataset.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

// Mutation number `round` of `bytes`: flipped bits, set bytes, cut, lengthened or with a piece
// moved.
std::vector<uint8_t> mutate(std::vector<uint8_t> bytes, uint64_t round) {
  const RngKey key{round, stream_of("mutation")};
  uint64_t draw = 0;
  auto below = [&](uint64_t bound) { return random_below(key, draw++, bound); };
  const uint64_t changes = 1 + below(4);
  for (uint64_t i = 0; i < changes && !bytes.empty(); ++i) {
    // headers are where the interesting bytes are
    const uint64_t reach = below(2) ? bytes.size() : std::min<uint64_t>(bytes.size(), 256);
    const size_t at = below(reach);
    switch (below(8)) {
      case 0:
      case 1:
        bytes[at] ^= static_cast<uint8_t>(1 << below(8));
        break;
      case 2:
        bytes[at] = static_cast<uint8_t>(below(256));
        break;
      case 3:
        bytes[at] = below(2) ? 0 : 255;
        break;
      case 4:
        for (size_t j = at; j < std::min(bytes.size(), at + 8); ++j) bytes[j] = 255;
        break;
      case 5:
        bytes.resize(at);
        break;
      case 6:
        bytes.insert(bytes.end(), 1 + below(64), static_cast<uint8_t>(below(256)));
        break;
      default: {
        const size_t from = below(bytes.size());
        for (size_t j = 0; j < 16 && at + j < bytes.size() && from + j < bytes.size(); ++j)
          bytes[at + j] = bytes[from + j];
      }
    }
  }
  return bytes;
}

struct Tally {
  int refused = 0;
  int accepted = 0;
};

// Every mutation is read or refused with one line that names the file.
template <class Read>
Tally fuzz(const std::filesystem::path& path, uint64_t rounds, const Read& read) {
  const std::vector<uint8_t> original = bytes_of(path);
  Tally tally;
  for (uint64_t round = 0; round < rounds; ++round) {
    try {
      read(mutate(original, round));
      ++tally.accepted;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(path.parent_path().string()), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      ++tally.refused;
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
    const CifarRecords found = parse_cifar10(bytes, path.string());
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
  for (int deflate : {0, 6}) {
    TemporaryFolder folder;
    write_shards(folder.path(), *source, 1, 16, deflate);
    const auto path = folder.path() / "train-00000-of-00001.h5";
    const Tally tally = fuzz(path, 10000, [&](const std::vector<uint8_t>& bytes) {
      write_bytes(path, bytes);
      const ShardDataset dataset(folder.path(), Split::train);
      ASSERT_EQ(content_of(dataset), expected);
    });
    EXPECT_GT(tally.refused, 5000);
    EXPECT_GT(tally.accepted, 100);
  }
}

}  // namespace
}  // namespace d2l::data::test
