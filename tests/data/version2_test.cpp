// Shards of version 2 that no d2l has written: other storage, and tables that contradict each other
// although their checksums are right.
#include <functional>

#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"
#include "tests/data/lying_shard.h"
#include "tests/data/mixed_shards.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

class Version2File : public testing::Test {
 protected:
  void SetUp() override { write_anew(); }
  void write_anew(int deflate = 0) {
    write_mixed(folder.path(), mixed_samples(100), {.deflate = deflate});
  }
  fs::path path() const { return folder.path() / "train-00000-of-00001.h5"; }
  // The part of an error after the file's name.
  template <class Action>
  std::string refusal(const Action& action) {
    const std::string message = message_of(action), begin = path().string() + ": ";
    EXPECT_EQ(message.substr(0, begin.size()), begin);
    return message.substr(std::min(begin.size(), message.size()));
  }
  std::string refusal() {
    return refusal([&] { ShardFile shard(path()); });
  }
  std::string refusal_of_content() {
    return refusal([&] { ShardFile(path()).verify(); });
  }
  std::string with_chunks(const std::function<void(std::vector<ChunkRow>&)>& change) {
    write_anew();
    change_rows<ChunkRow>(path(), "chunks", change);
    return refusal();
  }
  std::string with_records(const std::function<void(std::vector<SampleRecord>&)>& change) {
    write_anew();
    change_rows<SampleRecord>(path(), "records", change);
    correct_chunks(path());
    return refusal_of_content();
  }

  TemporaryFolder folder;
};

TEST_F(Version2File, TheTestsToolsChangeNothingElse) {
  change_rows<ChunkRow>(path(), "chunks", [](std::vector<ChunkRow>&) {});
  correct_chunks(path());
  for (const char* name : {"chunks", "class_counts", "class_names"}) store_anew(path(), name, {});
  for (const char* name : {"records", "names", "data"})
    store_anew(path(), name, {.keeps_checksum = false});
  ShardFile(path()).verify();
  EXPECT_EQ(samples_of(ShardDataset(folder.path(), Split::train)), mixed_samples(100));
}

TEST_F(Version2File, OtherStorageIsRefused) {
  for (const char* name : {"chunks", "records", "names", "data", "class_counts", "class_names"}) {
    const std::string expected = concat("dataset '", name, "': it is not stored contiguously");
    write_anew();
    store_anew(path(), name, {.chunk = 2});
    EXPECT_EQ(refusal(), expected);
    write_anew();
    store_anew(path(), name, {.compact = true});
    EXPECT_EQ(refusal(), expected);
  }
  write_anew();
  store_anew(path(), "chunks", {.keeps_checksum = false});
  EXPECT_EQ(refusal(), "dataset 'chunks': attribute 'checksum': it is missing");
}

TEST_F(Version2File, OtherElementsAreRefused) {
  store_anew(path(), "data", {.type = H5T_STD_I8LE});
  EXPECT_EQ(refusal(), "dataset 'data': expected unsigned bytes");
  write_anew();
  store_anew(path(), "class_counts", {.type = H5T_STD_I32LE});
  EXPECT_EQ(refusal(), "dataset 'class_counts': expected 64-bit integers");
  write_anew();
  store_anew(path(), "pixel_sums", {.type = H5T_STD_U64BE});
  EXPECT_EQ(refusal(), "dataset 'pixel_sums': expected 64-bit integers without sign");
}

// The columns of `chunks`, changed.
hid_t chunk_type(size_t gap, hid_t number, const char* fourth) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(ChunkRow) + gap);
  size_t offset = 0;
  for (const Column& column : kChunkColumns) {
    const bool special = column.name == "stored_bytes";
    const std::string name = special ? fourth : std::string(column.name);
    H5Tinsert(type, name.c_str(), offset, special ? number : H5T_STD_U64LE);
    offset += 8 + (special ? gap : 0);
  }
  return type;
}

TEST_F(Version2File, OtherColumnsAreRefused) {
  auto message = [&](size_t gap, hid_t number, const char* fourth) {
    write_anew();
    store_anew(path(), "chunks", {.type = chunk_type(gap, number, fourth)});
    return refusal();
  };
  const std::string begin =
      "dataset 'chunks': expected the column 'stored_bytes' of 64 bits without sign at byte 24, "
      "found ";
  EXPECT_EQ(message(0, H5T_STD_I64LE, "stored_bytes"),
            begin + "'stored_bytes' of 64 bits with sign at byte 24");
  EXPECT_EQ(message(0, H5T_STD_U32LE, "stored_bytes"),
            begin + "'stored_bytes' of 32 bits without sign at byte 24");
  EXPECT_EQ(message(0, H5T_STD_U64LE, "size"), begin + "'size' of 64 bits without sign at byte 24");
  EXPECT_EQ(message(8, H5T_STD_U64LE, "stored_bytes"),
            "dataset 'chunks': expected the column 'bytes' of 64 bits without sign at byte 32, "
            "found 'bytes' of 64 bits without sign at byte 40");
  EXPECT_EQ(message(0, H5T_IEEE_F64LE, "stored_bytes"),
            "dataset 'chunks': expected a table of 10 columns of whole numbers");
  EXPECT_EQ(message(0, H5T_STD_U64BE, "stored_bytes"),
            "dataset 'chunks': expected a table of 10 columns of whole numbers");
}

TEST_F(Version2File, ChunksThatContradictTheShardAreRefused) {
  const std::string begin = "dataset 'chunks': ";
  const std::string gap = begin + "chunk 1 does not begin where the one before it ends";
  EXPECT_EQ(with_chunks([](auto& rows) { ++rows[1].first; }), gap);
  EXPECT_EQ(with_chunks([](auto& rows) { --rows[1].offset; }), gap);
  EXPECT_EQ(with_chunks([](auto& rows) { ++rows[1].names_offset; }), gap);
  const std::string more = begin + "chunk 0 has more samples, bytes or names than the shard";
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].samples = 0; }), more);
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].samples = ~uint64_t{0}; }), more);
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].stored_bytes = ~uint64_t{0}; }), more);
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].names_bytes = ~uint64_t{0}; }), more);
  const std::string fewer = begin + "the chunks have fewer samples, bytes or names than the shard";
  EXPECT_EQ(with_chunks([](auto& rows) { --rows.back().samples; }), fewer);
  EXPECT_EQ(with_chunks([](auto& rows) { --rows.back().names_bytes; }), fewer);
  EXPECT_EQ(with_chunks([](auto& rows) { --rows.back().stored_bytes; }), fewer);
  EXPECT_EQ(with_chunks([](auto& rows) { --rows[0].bytes; }).substr(0, 27), begin + "chunk 0: ");
  EXPECT_EQ(
      with_chunks([](auto& rows) { rows[0].bytes = rows[0].stored_bytes * 1033; }).substr(0, 27),
      begin + "chunk 0: ");
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].bytes = uint64_t{1} << 40; }).substr(0, 62),
            begin + "chunk 0: expected at most 268435456 bytes, a");
  EXPECT_EQ(with_chunks([](auto& rows) { rows[0].names_bytes = rows[0].samples - 1; }),
            begin + "chunk 0: 9 bytes cannot be the names of 10 samples");
}

TEST_F(Version2File, AChunkWithAnotherChecksumIsDamaged) {
  auto change = [](std::vector<ChunkRow>& rows) { rows[0].checksum ^= 1; };
  change_rows<ChunkRow>(path(), "chunks", change);
  EXPECT_EQ(
      refusal_of_content(),
      "samples 0 to 9: the samples are intact, but the checksum of their chunk is not theirs");
  write_anew(6);
  ASSERT_LT(ShardFile(path()).stored_bytes(), fs::file_size(path()));
  change_rows<ChunkRow>(path(), "chunks", change);
  EXPECT_EQ(refusal_of_content().substr(0, 46), "samples 0 to 9 are damaged (expected checksum ");
}

TEST_F(Version2File, RecordsThatContradictTheShardAreRefused) {
  const std::string begin = "samples 0 to 9 are damaged (sample 2: ";
  EXPECT_EQ(with_records([](auto& rows) { rows[2].label = 5; }),
            begin + "expected labels in [0, 5), found 5)");
  EXPECT_EQ(with_records([](auto& rows) { ++rows[2].offset; }),
            begin + "it does not begin where the sample before it ends)");
  EXPECT_EQ(with_records([](auto& rows) { rows[2].encoding = 99; }),
            begin + "expected an encoding of images, found 99)");
  EXPECT_EQ(with_records([](auto& rows) { rows[2].bytes = 0; }),
            begin + "expected 1 to 268435456 bytes, found 0)");
  EXPECT_EQ(with_records([](auto& rows) {
              rows[2].height = 1 << 20;
              rows[2].width = 1 << 20;
            }).substr(0, begin.size() + 22),
            begin + "expected 1 to 13421772");
  EXPECT_EQ(with_records([](auto& rows) { --rows[9].bytes; }).substr(0, 36),
            "samples 0 to 9 are damaged (expected");
  EXPECT_EQ(with_records([](auto& rows) { rows[2].checksum ^= 1; }).substr(0, 11), "sample 2 (c");
  EXPECT_EQ(with_records([](auto& rows) { rows[1].label = (rows[1].label + 1) % 5; }).substr(0, 33),
            "dataset 'class_counts': expected ");
}

TEST_F(Version2File, OtherNamesCountsAndSumsAreRefused) {
  rewrite_dataset(path(), "names", [](std::vector<uint8_t>& names) {
    *std::find(names.begin() + 1, names.end(), 0) = 'x';
  });
  correct_chunks(path());
  EXPECT_EQ(refusal_of_content(),
            "samples 0 to 9: expected 10 names, each with a zero byte after it, found 9 zero "
            "bytes");
  write_anew();
  change_rows<int64_t>(path(), "class_counts", [](auto& counts) { ++counts[0]; });
  EXPECT_EQ(refusal(), "dataset 'class_counts': the counts do not add up to 100 samples");
  write_anew();
  change_rows<int64_t>(path(), "class_counts", [](auto& counts) { counts[0] = -1; });
  EXPECT_EQ(refusal(), "dataset 'class_counts': the counts do not add up to 100 samples");
  for (size_t at : {0, 1}) {
    write_anew();
    change_rows<uint64_t>(path(), "pixel_sums", [&](auto& sums) { sums[at] = uint64_t{1} << 60; });
    EXPECT_NE(refusal().find("pixels cannot have these sums"), std::string::npos);
  }
}

TEST_F(Version2File, AChunkThatInflatesToOtherBytesIsDamaged) {
  write_anew(6);
  change_rows<ChunkRow>(path(), "chunks", [](std::vector<ChunkRow>& rows) {
    for (ChunkRow& row : rows)
      if (row.stored_bytes < row.bytes) ++row.bytes;
  });
  EXPECT_NE(refusal_of_content().find("bytes in the chunk, found"), std::string::npos);
}

}  // namespace

// Version 1 is read as before.
TEST(Version1File, TheSampleDataAreRead) {
  const auto folder = source_dir() / "data/samples/fashion-mnist";
  const ShardFile shard(folder / "train-00000-of-00001.h5");
  EXPECT_EQ(shard.version(), 1);
  EXPECT_FALSE(shard.has_single_samples());
  EXPECT_FALSE(shard.sums().has_value());
  shard.verify();
  const ShardDataset dataset(folder, Split::train);
  // Checkpoints contain it.
  EXPECT_EQ(dataset.fingerprint(),
            "fashion-mnist, 10,000 samples of [28, 28, 1] in 10 classes, checksum "
            "0505370d3122e679");
  EXPECT_EQ(dataset.place_of(17), "train-00000-of-00001.h5, sample 17");
  EXPECT_EQ(dataset.name_of(17), "");
  EXPECT_TRUE(dataset.info().mean.empty());
  TemporaryFolder copies;
  write_shards(copies.path(), dataset, 3);
  const ShardDataset copy(copies.path(), Split::train, {.cache_bytes = 1 << 20});
  EXPECT_EQ(content_of(copy), content_of(dataset));
  EXPECT_EQ(copy.class_counts(10000), dataset.class_counts(10000));
}

}  // namespace d2l::data::test
