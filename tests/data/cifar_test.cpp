#include "data/formats/cifar.h"

#include <gmock/gmock.h>

#include "data/catalog.h"
#include "framework/base/error.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr size_t kRecord = 3073;

// `count` records of noise with the labels first, first + 1, ...
std::vector<uint8_t> records(size_t count, uint8_t first) {
  std::vector<uint8_t> bytes = noise(count * kRecord, first);
  for (size_t i = 0; i < count; ++i) bytes[i * kRecord] = static_cast<uint8_t>((first + i) % 10);
  return bytes;
}

TEST(Cifar10, PlanesBecomePixels) {
  const std::vector<uint8_t> bytes = records(2, 7);
  const CifarRecords found = parse_cifar(bytes, "file", CifarLabels::ten);
  EXPECT_EQ(found.labels, (std::vector<uint8_t>{7, 8}));
  ASSERT_EQ(found.images.size(), 2U * 3072);
  for (size_t n = 0; n < 2; ++n)
    for (size_t y = 0; y < 32; ++y)
      for (size_t x = 0; x < 32; ++x)
        for (size_t c = 0; c < 3; ++c)
          ASSERT_EQ(found.images[((n * 32 + y) * 32 + x) * 3 + c],
                    bytes[n * kRecord + 1 + (c * 32 + y) * 32 + x]);
}

TEST(Cifar10, RefusesWhatIsNot) {
  EXPECT_EQ(message_of([] { parse_cifar({}, "file", CifarLabels::ten); }),
            "file: expected CIFAR-10 records of 3073 bytes each, found 0 bytes");
  EXPECT_EQ(message_of([] { parse_cifar(std::vector<uint8_t>(3072), "file", CifarLabels::ten); }),
            "file: expected CIFAR-10 records of 3073 bytes each, found 3072 bytes");
  std::vector<uint8_t> bytes = records(3, 0);
  bytes[2 * kRecord] = 10;
  EXPECT_EQ(message_of([&] { parse_cifar(bytes, "file", CifarLabels::ten); }),
            "file: expected labels in [0, 10), sample 2 has 10");
}

TEST(Cifar100, HasFineAndCoarseLabels) {
  TemporaryFolder folder;
  std::vector<uint8_t> bytes = noise(2 * 3074);
  bytes[0] = 19;  // coarse, then fine
  bytes[1] = 99;
  bytes[3074] = 4;
  bytes[3075] = 0;
  write_bytes(folder.path() / "train.bin", bytes);
  write_bytes(folder.path() / "test.bin", std::vector<uint8_t>(3074));
  const auto fine = open_dataset("cifar100", folder.path(), Split::train);
  const auto coarse = open_dataset("cifar100-coarse", folder.path(), Split::train);
  EXPECT_EQ(fine->classes(), 100);
  EXPECT_EQ(coarse->classes(), 20);
  EXPECT_EQ(fine->label(0), 99);
  EXPECT_EQ(fine->class_names()[99], "worm");
  EXPECT_EQ(coarse->label(0), 19);
  EXPECT_EQ(fine->label(1), 0);
  EXPECT_EQ(coarse->label(1), 4);
  EXPECT_EQ(coarse->class_names()[4], "fruit_and_vegetables");
  EXPECT_EQ(content_of(*fine).images[1], bytes[2 + 1024]);  // the first pixel's green
  EXPECT_THAT(fine->info().remarks, ElementsAre("train.bin contains 2 samples of 50,000"));
  bytes[3075] = 100;
  write_bytes(folder.path() / "train.bin", bytes);
  EXPECT_EQ(
      message_of([&] { open_dataset("cifar100", folder.path(), Split::train); }),
      (folder.path() / "train.bin").string() + ": expected labels in [0, 100), sample 1 has 100");
  write_bytes(folder.path() / "train.bin", noise(3073));
  EXPECT_EQ(find_dataset("cifar100", folder.path(), Split::train), nullptr);
}

TEST(Cifar10, FilesFollowTheirNumbers) {
  TemporaryFolder folder;
  const fs::path below = folder.path() / "cifar-10-batches-bin";
  fs::create_directory(below);
  auto open = [&](Split split) { return open_dataset("cifar10", folder.path(), split); };
  EXPECT_EQ(message_of([&] { open(Split::test); }),
            "cifar10: no test files: expected test_batch.bin of the binary version, or "
            "test-00000-of-NNNNN.h5, in " +
                (folder.path() / "cifar10").string() + ", which does not exist; or in " +
                below.string() + ", which is empty; or in " + folder.path().string() +
                ", which contains cifar-10-batches-bin/");
  write_bytes(below / "data_batch_2.bin", records(2, 5));
  write_bytes(below / "data_batch_x.bin", {1, 2, 3});  // ignored
  EXPECT_EQ(message_of([&] { open(Split::train); }),
            below.string() + ": data_batch_1*.bin is missing beside data_batch_2.bin");
  write_bytes(below / "data_batch_1_first3.bin", records(3, 0));
  EXPECT_EQ(content_of(*open(Split::train)).labels, (std::vector<int64_t>{0, 1, 2, 5, 6}));
  write_bytes(below / "data_batch_1.bin", records(1, 0));
  EXPECT_EQ(message_of([&] { open(Split::train); }),
            below.string() +
                ": expected one file data_batch_1*.bin, found data_batch_1.bin and "
                "data_batch_1_first3.bin");
  write_bytes(below / "test_batch.bin", records(4, 1));
  EXPECT_EQ(open(Split::test)->samples(), 4);
  write_bytes(folder.path() / "test_batch.bin", {1});  // later in the list
  EXPECT_EQ(open(Split::test)->samples(), 4);
}

// Fewer samples than in the original are used and reported.
TEST(Cifar10, WhatIsMissingIsRemarked) {
  TemporaryFolder folder;
  const auto remarks = [&](Split split) {
    return open_dataset("cifar10", folder.path(), split)->info().remarks;
  };
  const std::vector<uint8_t> whole = records(10'000, 0);
  const auto name = [](int number) { return concat("data_batch_", number, ".bin"); };
  write_bytes(folder.path() / name(1), whole);
  EXPECT_THAT(remarks(Split::train),
              ElementsAre("data_batch_2.bin to data_batch_5.bin are missing"));
  for (int number : {2, 3})
    fs::create_hard_link(folder.path() / name(1), folder.path() / name(number));
  EXPECT_THAT(remarks(Split::train),
              ElementsAre("data_batch_4.bin and data_batch_5.bin are missing"));
  write_bytes(folder.path() / name(4), records(9'999, 0));
  EXPECT_THAT(remarks(Split::train),
              ElementsAre("data_batch_4.bin contains 9,999 samples of 10,000",
                          "data_batch_5.bin is missing"));
  for (int number : {4, 5}) {
    fs::remove(folder.path() / name(number));
    fs::create_hard_link(folder.path() / name(1), folder.path() / name(number));
  }
  EXPECT_THAT(remarks(Split::train), ElementsAre());
  fs::create_hard_link(folder.path() / name(1), folder.path() / "test_batch.bin");
  EXPECT_THAT(remarks(Split::test), ElementsAre());
}

TEST(Cifar10, RealFilesOpen) {
  const fs::path data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const auto train = open_dataset("cifar10", data, Split::train);
  EXPECT_GE(train->samples(), 4000);
  EXPECT_EQ(train->shape(), (Shape{32, 32, 3}));
  EXPECT_EQ(train->class_names().at(6), "frog");
  // the first training images show a frog and two trucks
  EXPECT_EQ(content_of(*train, {0, 1, 2}).labels, (std::vector<int64_t>{6, 9, 9}));
  const auto test = open_dataset("cifar10", data, Split::test);
  EXPECT_GE(test->samples(), 1000);
  EXPECT_EQ(content_of(*test, {0, 1, 2, 3}).labels, (std::vector<int64_t>{3, 8, 8, 0}));
}

}  // namespace
}  // namespace d2l::data::test
