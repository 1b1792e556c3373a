// Shards that other programs wrote, and files that only look like shards.
#include <sys/stat.h>

#include <set>

#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"
#include "tests/data/foreign_shard.h"
#include "tests/data/sealed_file.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

// small_dataset without names and, on request, with a long source and compressible images.
std::unique_ptr<MemoryDataset> plain_dataset(int64_t samples, size_t source = 5,
                                             bool smooth = false) {
  DatasetInfo info = small_dataset(1)->info();
  info.class_names.clear();
  info.source = std::string(source, 's');
  std::vector<uint8_t> images = noise(static_cast<size_t>(samples) * 24);
  if (smooth)
    for (size_t i = 0; i < images.size(); ++i) images[i] = static_cast<uint8_t>(i / 240);
  std::vector<uint8_t> labels(static_cast<size_t>(samples));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i * 3 % 5);
  return std::make_unique<MemoryDataset>(info, images, labels);
}

class ForeignShard : public testing::Test {
 protected:
  fs::path path() const { return folder.path() / "train-00000-of-00001.h5"; }

  void expect_read(const ForeignWriter& writer, const Dataset& source) {
    write_foreign(path(), source, writer);
    expect_content(source);
  }
  void expect_content(const Dataset& source) {
    const ShardDataset dataset(folder.path(), Split::train);
    EXPECT_EQ(content_of(dataset), content_of(source));
    EXPECT_EQ(dataset.info().source, source.info().source);
  }
  // The part of the error after the file's name.
  std::string refusal() {
    const std::string message = message_of([&] { ShardFile shard(path()); });
    const std::string begin = path().string() + ": ";
    EXPECT_EQ(message.substr(0, begin.size()), begin);
    return message.substr(std::min(begin.size(), message.size()));
  }
  std::string refusal(const ForeignWriter& writer) {
    write_foreign(path(), *plain_dataset(100), writer);
    return refusal();
  }
  // Changes one byte where a part of the file contains `pattern`, and updates all checksums.
  void change(const std::string& signature, const std::string& pattern, size_t at, uint8_t byte) {
    SealedFile file(bytes_of(path()));
    file.bytes()[file.find(signature, pattern) + at] = byte;
    file.seal();
    write_bytes(path(), file.bytes());
  }

  TemporaryFolder folder;
};

TEST_F(ForeignShard, AnyOrderOfTheKnownFilters) {
  const int fletcher = H5Z_FILTER_FLETCHER32, deflate = H5Z_FILTER_DEFLATE,
            shuffle = H5Z_FILTER_SHUFFLE;
  const std::vector<std::vector<int>> orders{{fletcher},
                                             {deflate, fletcher},
                                             {fletcher, deflate},
                                             {shuffle, deflate, fletcher},
                                             {fletcher, shuffle, deflate}};
  for (const std::vector<int>& filters : orders)
    for (bool smooth : {false, true})  // incompressible chunks are stored uncompressed
      expect_read({.filters = filters, .label_chunk = 7}, *plain_dataset(103, 5, smooth));
}

TEST_F(ForeignShard, AnyNumberOfChunks) {
  // one; some in one block; a full last page; a partly filled last page
  for (int64_t samples : {1, 2, 1023, 1024, 1025, 3000})
    for (hsize_t chunk : {1, 7}) {
      if (static_cast<int64_t>(chunk) > samples) continue;
      expect_read({.chunk = chunk}, *plain_dataset(samples));
    }
}

TEST_F(ForeignShard, DatasetsThatMayGrow) {
  for (int64_t samples : {1, 4, 5, 20, 21, 100, 1000, 3000})
    for (hsize_t most : {hsize_t{5000}, H5S_UNLIMITED})
      expect_read({.chunk = 1, .most_samples = most}, *plain_dataset(samples));
  // Some blocks of the index are larger than a page: 1,024 chunks.
  const auto source = plain_dataset(132000);
  write_foreign(path(), *source, {.chunk = 1, .most_samples = H5S_UNLIMITED});
  const ShardFile shard(path());
  EXPECT_EQ(shard.version(), 1);
  EXPECT_EQ(shard.class_counts(), source->class_counts(132000));
  for (int64_t sample = 130000; sample < 132000; ++sample) {
    const SampleBlock block = shard.read_block(sample);
    ASSERT_EQ(block.bytes, content_of(*source, {sample}).images) << sample;
    ASSERT_EQ(block.sample(0).label, content_of(*source, {sample}).labels[0]) << sample;
  }
}

TEST_F(ForeignShard, MoreThanShardsHave) {
  for (int more : {1, 20, 100, 900})
    expect_read({.more_attributes = more, .more_groups = more / 2}, *plain_dataset(100));
  expect_read({.remember_order = true, .more_attributes = 30, .more_groups = 30},
              *plain_dataset(100));
}

TEST_F(ForeignShard, LongTexts) {
  for (size_t bytes : {0, 1, 4000, 5000, 60000}) expect_read({}, *plain_dataset(100, bytes));
}

TEST_F(ForeignShard, OtherStorageIsRefused) {
  EXPECT_EQ(refusal({.chunk = 0}), "dataset 'labels': it is not stored in chunks");
  EXPECT_EQ(refusal({.filters = {H5Z_FILTER_DEFLATE}}),
            "dataset 'labels': it has no checksums (fletcher32)");
  EXPECT_EQ(refusal({.filters = {H5Z_FILTER_NBIT, H5Z_FILTER_FLETCHER32}}),
            "dataset 'labels': it uses filter 5; expected deflate, shuffle and fletcher32 only");
  EXPECT_EQ(refusal({.label_type = H5T_STD_I64BE}), "dataset 'labels': expected 64-bit integers");
  EXPECT_EQ(refusal({.label_type = H5T_STD_I32LE}), "dataset 'labels': expected 64-bit integers");
}

TEST_F(ForeignShard, FilesThatAreTooOld) {
  const std::string advice = "write it in the format of HDF5 1.10 (h5py: libver='v110')";
  EXPECT_EQ(refusal({.version = H5F_LIBVER_EARLIEST}),
            "the superblock has version 0 of HDF5's format, older than 2, the oldest that can be "
            "read; " +
                advice);
  EXPECT_EQ(refusal({.version = H5F_LIBVER_V18}),
            "dataset 'labels': the layout has version 3 of HDF5's format, older than 4, the oldest "
            "that can be read; " +
                advice);
}

TEST_F(ForeignShard, FilesThatAreTooNew) {
  auto message = [](const std::string& what, int found, int newest) {
    return what + " has version " + std::to_string(found) + " of HDF5's format, newer than " +
           std::to_string(newest) +
           ", the newest that can be read; write it in the format of HDF5 1.10 (h5py: "
           "libver='v110')";
  };
  write_foreign(path(), *plain_dataset(100), {});
  change("superblock", "\x89HDF", 8, 4);
  EXPECT_EQ(refusal(), message("the superblock", 4, 3));
  change("superblock", "\x89HDF", 8, 3);
  change("OHDR", "OHDR", 4, 3);
  EXPECT_EQ(refusal(), message("an object header", 3, 2));
  change("OHDR", "OHDR", 4, 2);
  // HDF5 2.0 writes version 5; the differences do not matter here.
  const std::string layout("\x04\x02\x00\x05", 4);  // chunks with 4 axes, and the element's bytes
  change("OHDR", layout, 0, 5);
  expect_content(*plain_dataset(100));
  change("OHDR", "\x05" + layout.substr(1), 0, 6);
  EXPECT_EQ(refusal(), message("dataset 'images': the layout", 6, 5));
}

TEST_F(ForeignShard, AFileThatIsStillWrittenIsRefused) {
  write_foreign(path(), *plain_dataset(100), {});
  change("superblock", "\x89HDF", 11, 1);
  EXPECT_EQ(refusal(), "the program that writes it is still running or was killed");
}

TEST_F(ForeignShard, NamesThatATerminalWouldObeyAreRefused) {
  write_foreign(path(), *plain_dataset(100), {});
  change("FHDB", "small", 2, 27);
  EXPECT_EQ(refusal(), "attribute 'dataset': expected a name, found the control character 27");
}

// Counting samples by class, or making a network for so many classes, would exhaust memory.
TEST_F(ForeignShard, ClassesHaveALimit) {
  write_foreign(path(), *plain_dataset(100), {});
  SealedFile file(bytes_of(path()));
  file.set_attribute("classes", int64_t{1} << 31);
  file.seal();
  write_bytes(path(), file.bytes());
  EXPECT_EQ(refusal(), "attribute 'classes': expected 1 to 1048576, found 2147483648");
}

// Nothing writes to the pipe: opening it would block forever.
TEST_F(ForeignShard, NoOtherFileIsOpened) {
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::vector<std::pair<std::string, std::string>> kinds{
      {"virtual", "it is a virtual dataset, whose elements are in other files"},
      {"external", "it is stored in other files"},
      {"soft link", "it is a link to another place or file"},
      {"external link", "it is a link to another place or file"}};
  for (const auto& [kind, message] : kinds)
    EXPECT_EQ(refusal({.images_elsewhere = kind, .elsewhere = pipe.string()}),
              "dataset 'images': " + message);
}

TEST_F(ForeignShard, OnlyRegularFilesAreRead) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const std::string begin = "cannot read " + path().string() + ": it is ";
  EXPECT_EQ(message_of([&] { ShardFile shard(path()); }), begin + "not a regular file");
  fs::remove(path());
  fs::create_directory(path());
  EXPECT_EQ(message_of([&] { ShardDataset dataset(folder.path(), Split::train); }),
            begin + "a folder");
}

}  // namespace
}  // namespace d2l::data::test
