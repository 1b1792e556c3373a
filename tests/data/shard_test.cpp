#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"
#include "tests/data/sealed_file.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ShardFile, SaysWhatWasWritten) {
  TemporaryFolder folder;
  const auto source = small_dataset(100);
  write_shards(folder.path(), *source, 3, 10, 6);
  const ShardFile shard(folder.path() / "train-00001-of-00003.h5");
  const ShardInfo& info = shard.info();
  EXPECT_EQ(info.dataset.name, "small");
  EXPECT_EQ(info.dataset.samples, 100);
  EXPECT_EQ(info.dataset.shape, (Shape{4, 3, 2}));
  EXPECT_EQ(info.dataset.classes, 5);
  EXPECT_EQ(info.dataset.class_names, source->class_names());
  EXPECT_EQ(info.dataset.source, "tests");
  EXPECT_EQ(info.dataset.licence, "none");
  EXPECT_EQ(info.split, Split::train);
  EXPECT_EQ(info.index, 1);
  EXPECT_EQ(info.shards, 3);
  EXPECT_EQ(info.first, 33);
  EXPECT_EQ(info.samples, 33);
  EXPECT_EQ(info.deflate, 6);
  EXPECT_EQ(shard.version(), 2);
  ASSERT_EQ(shard.blocks(), 4);
  EXPECT_EQ(shard.block(3).first, 30);
  EXPECT_EQ(shard.block(3).samples, 3);
  EXPECT_EQ(shard.class_counts(), (std::vector<int64_t>{7, 6, 7, 6, 7}));
  const SampleBlock last = shard.read_block(3);
  EXPECT_EQ(last.bytes, content_of(*source, range(63, 66)).images);
  EXPECT_TRUE(last.damage.empty());
  EXPECT_EQ(last.memory(), shard.block(3).bytes);
  const std::vector<int64_t> labels = content_of(*source, range(63, 66)).labels;
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(last.sample(i).label, labels[i]);
  shard.verify();
}

TEST(ShardFile, SameInputSameBytes) {
  TemporaryFolder first, second;
  write_shards(first.path(), *small_dataset(100), 1, 7, 9);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // timestamps are in seconds
  write_shards(second.path(), *small_dataset(100), 1, 7, 9);
  EXPECT_EQ(bytes_of(first.path() / "train-00000-of-00001.h5"),
            bytes_of(second.path() / "train-00000-of-00001.h5"));
}

TEST(ShardFile, TheChecksumOfTheContentIsKnownBeforeItIsRead) {
  auto checksums = [](int64_t samples, int deflate) {
    TemporaryFolder folder;
    write_shards(folder.path(), *small_dataset(samples), 1, 10, deflate);
    return ShardFile(folder.path() / "train-00000-of-00001.h5").content_checksums();
  };
  EXPECT_EQ(checksums(100, 0), checksums(100, 6));
  EXPECT_NE(checksums(100, 0), checksums(99, 0));
}

TEST(ShardFile, WhatAReaderWouldRefuseIsNotWritten) {
  TemporaryFolder folder;
  DatasetInfo info = small_dataset(10)->info();
  info.name = "two\nlines";
  const MemoryDataset source(info, noise(240), std::vector<uint8_t>(10));
  EXPECT_TRUE(contains(message_of([&] { write_shards(folder.path(), source, 1); }),
                       "attribute 'dataset': expected a name, found the control character 10"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(ShardFile, ManyAndLongClassNames) {
  TemporaryFolder folder;
  DatasetInfo info = small_dataset(10)->info();
  info.classes = 1000;
  info.class_names.clear();
  for (int i = 0; i < 1000; ++i)
    info.class_names.push_back(std::string(200, 'x') + std::to_string(i));
  const MemoryDataset source(info, noise(240), std::vector<uint8_t>(10));
  write_shards(folder.path(), source, 1);
  EXPECT_EQ(ShardDataset(folder.path(), Split::train).class_names(), info.class_names);
}

TEST(ShardFile, FailingToWriteLeavesNothingBehind) {
  TemporaryFolder folder;
  const auto source = small_dataset(100);
  ShardInfo info;
  info.dataset = source->info();
  info.samples = 100;
  int calls = 0;
  const auto path = folder.path() / "train-00000-of-00001.h5";
  const std::string message = message_of(
      [&] { write_shard(path, info, *source, [&] { check(++calls < 4, "interrupted"); }); });
  EXPECT_EQ(message, "cannot write " + path.string() + ": interrupted");
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_TRUE(
      contains(message_of([&] { write_shard(folder.path() / "absent" / "a.h5", info, *source); }),
               "cannot write " + (folder.path() / "absent" / "a.h5").string() +
                   ": cannot make a file beside it: No such file or directory"));
}

TEST(ShardFile, OtherFilesAreRefused) {
  TemporaryFolder folder;
  const auto path = folder.path() / "a.h5";
  EXPECT_EQ(message_of([&] { ShardFile shard(path); }),
            "cannot read " + path.string() + ": No such file or directory");
  write_bytes(path, noise(1000));
  EXPECT_EQ(message_of([&] { ShardFile shard(path); }),
            path.string() + ": expected a d2l shard (an HDF5 file), found another kind of file");
  write_bytes(path, {});
  EXPECT_EQ(message_of([&] { ShardFile shard(path); }),
            path.string() + ": expected a d2l shard (an HDF5 file), found another kind of file");
}

TEST(ShardFile, ATruncatedFileIsRefused) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(100), 1, 10);
  const auto path = folder.path() / "train-00000-of-00001.h5";
  const std::vector<uint8_t> bytes = bytes_of(path);
  for (size_t keep = 8; keep < bytes.size(); keep += 97) {
    write_bytes(path, {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(keep)});
    EXPECT_TRUE(contains(message_of([&] { ShardFile shard(path); }), path.string())) << keep;
  }
}

// Flips bits all over the file: each must be detected or be in an unused place.
TEST(ShardFile, AFlippedBitIsFound) {
  TemporaryFolder folder;
  const auto source = small_dataset(400);
  const Content expected = content_of(*source);
  for (int deflate : {0, 6}) {
    write_shards(folder.path(), *source, 1, 100, deflate);
    const auto path = folder.path() / "train-00000-of-00001.h5";
    const std::vector<uint8_t> bytes = bytes_of(path);
    const std::vector<double> means = ShardDataset(folder.path(), Split::train).info().mean;
    ASSERT_EQ(means.size(), 2U);
    int found = 0, tried = 0;
    for (size_t bit = 0; bit < bytes.size() * 8; bit += 61, ++tried) {
      std::vector<uint8_t> flipped = bytes;
      flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      write_bytes(path, flipped);
      try {
        const ShardDataset dataset(folder.path(), Split::train);
        ShardFile(path).verify();
        EXPECT_EQ(content_of(dataset), expected) << "bit " << bit;
        EXPECT_EQ(dataset.class_names(), source->class_names()) << "bit " << bit;
        EXPECT_EQ(dataset.class_counts(400), source->class_counts(400)) << "bit " << bit;
        EXPECT_EQ(dataset.name_of(399), "") << "bit " << bit;
        EXPECT_EQ(dataset.info().mean, means) << "bit " << bit;
      } catch (const Error& error) {
        ++found;
        EXPECT_TRUE(contains(error.what(), path.string())) << error.what();
      }
    }
    EXPECT_GT(found, tried * 6 / 10) << "of " << tried;
  }
}

TEST(ShardFile, DamagedImagesAreNamed) {
  TemporaryFolder folder;
  const auto source = small_dataset(400);
  write_shards(folder.path(), *source, 1, 100);
  const auto path = folder.path() / "train-00000-of-00001.h5";
  std::vector<uint8_t> bytes = bytes_of(path);
  const std::vector<uint8_t> images = content_of(*source, range(250, 252)).images;
  auto at = std::search(bytes.begin(), bytes.end(), images.begin(), images.end());
  ASSERT_NE(at, bytes.end());
  *at ^= 4;
  write_bytes(path, bytes);
  const ShardFile shard(path);
  EXPECT_TRUE(shard.read_block(1).damage.empty());
  const SampleBlock block = shard.read_block(2);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(block.damage[i].empty(), i != 50) << i;
  EXPECT_TRUE(
      contains(block.damage[50], path.string() + ": sample 250 is damaged: expected checks"));
  EXPECT_EQ(message_of([&] { shard.verify(); }), block.damage[50]);
}

// Limits the process's open files while it exists, like `ulimit -n`.
class OpenFilesLimit {
 public:
  explicit OpenFilesLimit(rlim_t files) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limit{files, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~OpenFilesLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  OpenFilesLimit(const OpenFilesLimit&) = delete;
  OpenFilesLimit& operator=(const OpenFilesLimit&) = delete;

 private:
  rlimit before_{};
};

// A set with one shard per sample. All but the first are copies of it with other numbers, since
// writing each would be slow.
void write_many_shards(const fs::path& folder, const Dataset& source) {
  const auto shards = static_cast<int>(source.samples());
  ShardInfo info;
  info.dataset = source.info();
  info.shards = shards;
  info.samples = 1;
  write_shard(folder / shard_name(Split::train, 0, shards), info, source);
  SealedFile file(bytes_of(folder / shard_name(Split::train, 0, shards)));
  for (int index = 1; index < shards; ++index) {
    file.set_attribute("shard", index);
    file.set_attribute("first_sample", index);
    file.seal();
    write_bytes(folder / shard_name(Split::train, index, shards), file.bytes());
  }
}

TEST(ShardDataset, MoreShardsThanFilesMayBeOpen) {
  TemporaryFolder folder;
  const auto source = small_dataset(1100);
  write_many_shards(folder.path(), *source);
  const std::vector<int64_t> all = range(0, 1100);
  for (rlim_t files : {1024, 64}) {
    const OpenFilesLimit limit(files);
    const ShardDataset dataset(folder.path(), Split::train, {.cache_bytes = 0});
    EXPECT_EQ(dataset.shards(), 1100);
    for (int pass = 0; pass < 2; ++pass) EXPECT_EQ(content_of(dataset, all).labels.size(), 1100U);
  }
}

TEST(ShardFile, TheSystemsReasonIsSaid) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(10), 1);
  const auto path = folder.path() / "train-00000-of-00001.h5";
  {
    const OpenFilesLimit limit(0);
    EXPECT_EQ(message_of([&] { ShardFile shard(path); }),
              "cannot read " + path.string() + ": Too many open files");
    EXPECT_EQ(message_of([&] { find_shards(folder.path(), Split::train); }),
              "cannot read the folder " + folder.path().string() + ": Too many open files");
  }
  const auto loop = folder.path() / "loop";
  fs::create_symlink(loop, loop);
  EXPECT_EQ(message_of([&] { ShardFile shard(loop); }),
            "cannot read " + loop.string() + ": " + std::strerror(ELOOP));
  EXPECT_EQ(message_of([&] { find_shards(loop, Split::train); }),
            "cannot read the folder " + loop.string() + ": " + std::strerror(ELOOP));
}

TEST(ShardFile, AFileThatWasChangedIsSaid) {
  TemporaryFolder folder;
  write_shards(folder.path(), *small_dataset(100), 1, 10);
  const auto path = folder.path() / "train-00000-of-00001.h5";
  const auto other = folder.path() / "train-00001-of-00002.h5";
  fs::copy(path, other);
  const auto pool = std::make_shared<DescriptorPool>(1);
  const ShardFile shard(path, pool);
  const ShardFile second(other, pool);  // closes the first one
  shard.read_block(0);
  second.read_block(0);
  fs::resize_file(path, fs::file_size(path) + 1);
  EXPECT_EQ(message_of([&] { shard.read_block(1); }),
            path.string() + " has been changed since it was opened");
}

class ShardSet : public testing::Test {
 protected:
  void SetUp() override { write_shards(folder.path(), *small_dataset(100), 4); }
  fs::path shard(int index) const { return folder.path() / shard_name(Split::train, index, 4); }
  std::string message() {
    return message_of([&] { ShardDataset dataset(folder.path(), Split::train); });
  }
  // Replaces shard 2 by one of another dataset.
  void replace(const Dataset& other) {
    TemporaryFolder elsewhere;
    write_shards(elsewhere.path(), other, 4);
    fs::copy(elsewhere.path() / shard(2).filename(), shard(2),
             fs::copy_options::overwrite_existing);
  }

  TemporaryFolder folder;
};

TEST_F(ShardSet, MissingOnesAreNamed) {
  fs::remove(shard(2));
  EXPECT_EQ(message(), folder.path().string() +
                           ": expected 4 train shards, found 3; missing: train-00002-of-00004.h5");
  for (int i : {0, 1, 3}) fs::remove(shard(i));
  const std::string none = folder.path().string() +
                           ": expected train shards (train-00000-of-NNNNN.h5), found none: the "
                           "folder ";
  EXPECT_EQ(message(), none + "is empty");
  for (const char* name : {"train-0-of-1.h5", "notes", "test-00000-of-00001.h5"})
    write_bytes(folder.path() / name, {});
  EXPECT_EQ(message(), none + "contains test-00000-of-00001.h5, train-0-of-1.h5, notes");
}

TEST_F(ShardSet, OneCopyOfTheClassNamesIsKept) {
  const std::vector<ShardFile> files = open_shards(folder.path(), Split::train);
  EXPECT_EQ(files[0].info().dataset.class_names.size(), 5U);
  for (size_t i : {1, 2, 3}) EXPECT_TRUE(files[i].info().dataset.class_names.empty());
}

TEST_F(ShardSet, TwoSetsAreRefused) {
  write_shards(folder.path(), *small_dataset(100), 2);
  EXPECT_EQ(message(), folder.path().string() +
                           ": expected one set of shards, found train-00000-of-00002.h5 and "
                           "train-00000-of-00004.h5");
}

TEST_F(ShardSet, ShardsUnderWrongNamesAreRefused) {
  fs::copy(shard(1), shard(2), fs::copy_options::overwrite_existing);
  EXPECT_EQ(message(), shard(2).string() +
                           ": expected that shard, found the content of train-00001-of-00004.h5");
}

TEST_F(ShardSet, DisagreementIsNamed) {
  replace(*small_dataset(104));
  EXPECT_EQ(
      message(),
      shard(2).string() +
          ": expected a dataset of 100 samples as in train-00000-of-00004.h5, found one of 104");
  DatasetInfo info = small_dataset(100)->info();
  info.class_names.clear();
  info.classes = 6;
  replace(MemoryDataset(info, noise(2400), std::vector<uint8_t>(100)));
  EXPECT_EQ(message(),
            shard(2).string() + ": expected 5 classes as in train-00000-of-00004.h5, found 6");
  info.shape = {2, 3, 4};
  replace(MemoryDataset(info, noise(2400), std::vector<uint8_t>(100)));
  EXPECT_EQ(
      message(),
      shard(2).string() +
          ": expected inputs of shape [4, 3, 2] as in train-00000-of-00004.h5, found [2, 3, 4]");
  info.name = "other";
  replace(MemoryDataset(info, noise(2400), std::vector<uint8_t>(100)));
  EXPECT_EQ(message(),
            shard(2).string() +
                ": expected dataset 'small' as in train-00000-of-00004.h5, found 'other'");
}

}  // namespace
}  // namespace d2l::data::test
