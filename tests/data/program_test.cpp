#include "tests/support/program.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "data/formats/idx.h"
#include "data/shards/shard_dataset.h"
#include "data/shards/shard_writer.h"
#include "framework/base/text.h"
#include "tests/data/data_support.h"
#include "tests/data/packing_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

ProgramResult run(std::vector<std::string> words) {
  words.insert(words.begin(), "d2l-data");
  return run_program(words);
}

class Program : public testing::Test {
 protected:
  void SetUp() override {
    write_idx(in() / "train-images-idx3-ubyte.gz", {101, 4, 6}, noise(101 * 24));
    write_idx(in() / "train-labels-idx1-ubyte.gz", {101}, content_labels());
  }
  static std::vector<uint8_t> content_labels() {
    std::vector<uint8_t> labels(101);
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % 7);
    return labels;
  }
  fs::path in() const { return folder.path(); }
  fs::path out() const { return folder.path() / "out"; }
  ProgramResult pack(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"pack",        "--from", "idx",         "--data-dir",
                                   in().string(), "--out",  out().string()};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(out()), fs::directory_iterator());
  }
  // Waits until a started pack has its lock and its folder.
  void wait_for_begin() const {
    while (!fs::exists(out()) || entries() < 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  TemporaryFolder folder;
};

TEST_F(Program, PacksInspectsAndVerifies) {
  const ProgramResult packed = pack({"--shards", "3", "--deflate", "2", "--name", "mine"});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_NE(packed.output.find("packed 101 samples of mine (train) into 3 shards"),
            std::string::npos);
  EXPECT_EQ(entries(), 3);
  const ShardDataset dataset(out(), Split::train);
  EXPECT_EQ(dataset.classes(), 7);
  EXPECT_EQ(content_of(dataset).images, noise(101 * 24));

  const ProgramResult info = run({"info", out().string()});
  EXPECT_EQ(info.exit_code, 0);
  for (const char* part : {"mine, train, 3 shards", "samples         101", "4 x 6, 1 channel",
                           "classes         7", "deflate 2"})
    EXPECT_NE(info.output.find(part), std::string::npos) << part << " in\n" << info.output;

  const ProgramResult of_one = run({"info", (out() / "train-00001-of-00003.h5").string()});
  for (const char* part : {"mine, train, shard 2 of 3", "34, numbers 34 to 67 of 101"})
    EXPECT_NE(of_one.output.find(part), std::string::npos) << part << " in\n" << of_one.output;

  const ProgramResult verified = run({"verify", out().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_NE(verified.output.find("train-00002-of-00003.h5: ok, 33 samples"), std::string::npos);
}

TEST_F(Program, WarnsOfClassesWithoutSamples) {
  std::vector<uint8_t> labels(101);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(1 + i % 26);
  write_idx(in() / "train-labels-idx1-ubyte.gz", {101}, labels);
  const ProgramResult packed = pack({"--split", "train"});
  EXPECT_EQ(packed.exit_code, 0) << packed.output;
  const std::string counts =
      "0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3";
  EXPECT_EQ(packed.output.rfind("d2l-data: warning: idx, train: no samples of 1 of 27 classes: 0 "
                                "(do the labels count from 1?); samples per class: " +
                                    counts + "\npacked 101",
                                0),
            0U)
      << packed.output;
  EXPECT_NE(run({"info", out().string()}).output.find("per class       " + counts + "\n"),
            std::string::npos);
}

TEST_F(Program, InfoObeysNoText) {
  DatasetInfo info = small_dataset(10)->info();
  info.licence = "free\n\x1b[2J";
  write_shards(in(), MemoryDataset(info, noise(240), std::vector<uint8_t>(10)), 1);
  const ProgramResult result = run({"info", in().string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(result.output.find("  licence         free\\n\\x1b[2J\n"), std::string::npos)
      << result.output;
}

TEST_F(Program, VerifyNamesTheDamage) {
  ASSERT_EQ(pack().exit_code, 0);
  const fs::path shard = out() / "train-00000-of-00001.h5";
  std::vector<uint8_t> bytes = bytes_of(shard);
  const std::vector<uint8_t> image = noise(24);
  auto at = std::search(bytes.begin(), bytes.end(), image.begin(), image.end());
  ASSERT_NE(at, bytes.end());
  *at ^= 128;
  write_bytes(shard, bytes);
  const ProgramResult result = run({"verify", shard.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(
      result.output.rfind(
          "d2l-data: error: " + shard.string() + ": sample 0 is damaged: expected checksum", 0),
      0U)
      << result.output;
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
}

TEST_F(Program, VerifyMissesNoShard) {
  ASSERT_EQ(pack({"--shards", "2"}).exit_code, 0);
  fs::remove(out() / "train-00001-of-00002.h5");
  const ProgramResult result = run({"verify", out().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("missing: train-00001-of-00002.h5"), std::string::npos);
}

TEST_F(Program, SaysThatTheSplitTestIsMissing) {
  put_classes(in() / "pets", {"cats", "dogs"}, 2);
  const std::string note =
      "d2l-data: note: the source has no split test, which d2l-train needs: --valid 0.1 makes "
      "one\n";
  const auto says = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"pack", "--from", (in() / "pets").string(), "--out",
                                   out().string()};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    fs::remove_all(out());
    return result.output.find(note) != std::string::npos;
  };
  EXPECT_TRUE(says({}));
  EXPECT_FALSE(says({"--valid", "0.5"}));
  EXPECT_FALSE(says({"--split", "train"}));
}

TEST_F(Program, SplitsWithOtherClassesAreRefused) {
  const auto packed = [&](const std::string& name, const std::vector<std::string>& classes) {
    put_classes(in() / name, classes, 2);
    const std::string out = (folder.path() / (name + "-shards")).string();
    const ProgramResult result =
        run({"pack", "--from", (in() / name).string(), "--valid", "0.5", "--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return fs::path(out);
  };
  const fs::path pets = packed("pets", {"cats", "dogs"}), insects = packed("insects", {"a", "b"});
  fs::copy_file(insects / "test-00000-of-00001.h5", pets / "test-00000-of-00001.h5",
                fs::copy_options::overwrite_existing);
  const std::string message =
      "d2l-data: error: pets: expected the same classes in train and test, found class 0 with the "
      "name cats in train and a in test\n";
  const ProgramResult verified = run({"verify", pets.string()});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_EQ(verified.output, message);
  const ProgramResult again = run({"pack", "--from", pets.string(), "--out", out().string()});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_EQ(again.output, message);
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Program, LimitTakesTheFirstSamples) {
  ASSERT_EQ(pack({"--limit", "10"}).exit_code, 0);
  EXPECT_EQ(content_of(ShardDataset(out(), Split::train)).images, noise(10 * 24));
}

TEST_F(Program, RepacksShards) {
  ASSERT_EQ(pack({"--shards", "2"}).exit_code, 0);
  const fs::path again = folder.path() / "again";
  const ProgramResult result = run({"pack", "--from", out().string(), "--out", again.string(),
                                    "--shards", "5", "--deflate", "9"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(content_of(ShardDataset(again, Split::train)).images, noise(101 * 24));
}

TEST_F(Program, WrongWordsGetOneLineAndCodeTwo) {
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const std::vector<Case> cases{
      {{}, "a command is missing: pack, bench, fetch, info, show, stats, verify"},
      {{"pakc"}, "unknown command 'pakc', did you mean 'pack'?"},
      {{"pack", "--form", "idx"}, "unknown option '--form', did you mean '--from'?"},
      {{"pack"}, "--from is missing"},
      {{"pack", "--from", "synthetic"}, "--out is missing"},
      {{"pack", "--from", "synthetic", "--out", "x", "--shards", "0"},
       "--shards: expected 1 to 99999, found 0"},
      {{"pack", "--from", "synthetic", "--out", "x", "--shards", "two"},
       "--shards: expected a number, found 'two'"},
      {{"pack", "--from", "synthetic", "--out", "x", "--shards", "5000"},
       "--shards: expected at most 4096, the number of images in the larger split, found 5000"},
      {{"pack", "--from", "synthetic", "--out", "x", "--limit", "0"},
       "--limit: expected at least 1, found 0"},
      {{"pack", "--from", "synthetic", "--out", "x", "--seed", "-1"},
       "--seed: expected at least 0, found -1"},
      {{"pack", "--from", "synthetic", "--out", "x", "--store", "pixels", "--index-rows"},
       "--index-rows has no effect with --store pixels"},
      {{"pack", "--from", "synthetic", "--out", ""}, "--out: expected a path, found none"},
      {{"show", "synthetic", "--out", "x.jpg"}, "--out: expected the name of a PNG file"},
      {{"show", "synthetic", "--out", "x.png", "--augment", "flp 1"},
       "--augment: unknown step 'flp', did you mean 'flip'?"},
      {{"pack", "--from", "synthetic", "--out", "x", "--deflate", "10"},
       "--deflate: expected 0 to 9, found 10"},
      {{"pack", "--from", "synthetic", "--out", "x", "--limit", "5000"},
       "--limit: expected at most 4096, the number of samples in the larger split, found 5000"},
      {{"pack", "--from", "synthetic", "--out", "x", "--split", "tets"},
       "unknown split 'tets', did you mean 'test'?"},
      {{"pack", "synthetic"}, "unexpected argument"},
      {{"verify"}, "verify: a path is missing"},
      {{"info", "--shards", "2"}, "unknown option '--shards'"},
  };
  for (const Case& wrong : cases) {
    const ProgramResult result = run(wrong.words);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_EQ(result.output.rfind("d2l-data: error: " + wrong.message, 0), 0U) << result.output;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
}

TEST_F(Program, HelpNamesEverything) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"pack", "--help"},
                                             {"info", "--help"},
                                             {"show", "--help"},
                                             {"bench", "--help"},
                                             {"stats", "--help"},
                                             {"verify", "-h"}}) {
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_NE(result.output.find("d2l-data"), std::string::npos);
  }
}

TEST_F(Program, WrongInputLeavesNothingBehind) {
  write_bytes(in() / "train-labels-idx1-ubyte.gz", noise(50));
  const ProgramResult result = pack();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("train-labels-idx1-ubyte.gz: expected an IDX file"),
            std::string::npos)
      << result.output;
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Program, ExistingShardsAreKept) {
  ASSERT_EQ(pack({"--shards", "2"}).exit_code, 0);
  const ProgramResult result = pack({"--shards", "3"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("already contains train shards"), std::string::npos);
  EXPECT_EQ(ShardDataset(out(), Split::train).shards(), 2);
}

TEST_F(Program, OnePackAtATimePacksASplit) {
  Process first({"d2l-data", "pack", "--from", "synthetic", "--split", "train", "--shards", "100",
                 "--out", out().string()});
  wait_for_begin();
  const std::vector<pid_t> found = processes_of("d2l-data", out().string());
  ASSERT_EQ(found.size(), 1U);
  ASSERT_EQ(::kill(found[0], SIGSTOP), 0);
  const ProgramResult second = pack({"--split", "train"});
  EXPECT_EQ(::kill(found[0], SIGCONT), 0);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(
      second.output,
      testing::AllOf(testing::StartsWith(
                         "d2l-data: error: cannot pack the split train into " + out().string() +
                         ": " + (out() / ".d2l-pack-train.lock").string() + " is held by process "),
                     testing::EndsWith("\n")));
  const ProgramResult result = first.wait();
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(entries(), 100);
  EXPECT_EQ(run({"verify", out().string()}).exit_code, 0);
}

TEST_F(Program, BothSplitsMayBePackedAtOnce) {
  std::vector<std::unique_ptr<Process>> packs;
  for (const char* split : {"train", "test"})
    packs.push_back(std::make_unique<Process>(
        std::vector<std::string>{"d2l-data", "pack", "--from", "synthetic", "--out", out().string(),
                                 "--shards", "30", "--split", split}));
  for (const auto& process : packs) {
    const ProgramResult result = process->wait();
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
  EXPECT_EQ(entries(), 60);
  EXPECT_EQ(run({"verify", out().string()}).exit_code, 0);
}

TEST_F(Program, AFullDiskIsSaidAndCleanedUp) {
  // the file size limit replaces a full disk
  const ProgramResult result =
      run_program({"/bin/sh", "-c",
                   "trap '' XFSZ; ulimit -f 400; exec " + (bin_dir() / "d2l-data").string() +
                       " pack --from synthetic --out " + out().string()});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_NE(result.output.find("cannot write"), std::string::npos) << result.output;
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Program, AnInterruptedPackLeavesNothingBehind) {
  for (const char* signal : {"TERM", "INT"}) {
    const ProgramResult result =
        run_program({"/bin/bash", "-c",
                     "set -m; " + (bin_dir() / "d2l-data").string() +
                         " pack --from synthetic --shards 2000 --out " + out().string() +
                         " & sleep 0.5; kill -" + signal + " $!; wait $!"});
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_NE(result.output.find("interrupted"), std::string::npos) << result.output;
    EXPECT_FALSE(fs::exists(out()));
  }
}

TEST_F(Program, WhatAKilledPackLeftDoesNotDisturb) {
  Process killed({"d2l-data", "pack", "--from", "synthetic", "--split", "train", "--shards", "2000",
                  "--out", out().string()});
  wait_for_begin();
  killed.wait(0);
  EXPECT_EQ(entries(), 2);
  ASSERT_EQ(pack().exit_code, 0);
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(ShardDataset(out(), Split::train).samples(), 101);
}

TEST_F(Program, FourProcessesWriteTheSameBytes) {
  const fs::path photos = in() / "photos", alone = in() / "alone";
  put_classes(photos, {"ant", "bee", "cat"}, 30);
  const std::vector<std::string> words = {"d2l-data", "pack", "--from",   photos.string(),
                                          "--valid",  "0.2",  "--shards", "3",
                                          "--resize", "16",   "--out"};
  const auto with = [&](const fs::path& target) {
    std::vector<std::string> all = words;
    all.push_back(target.string());
    return all;
  };
  ASSERT_EQ(run_program(with(alone)).exit_code, 0);
  const ProgramResult result = run_program(on_ranks(4, with(out())));
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(entries(), 6);
  for (const auto& entry : fs::directory_iterator(alone))
    EXPECT_EQ(bytes_of(out() / entry.path().filename()), bytes_of(entry.path())) << entry.path();
}

TEST_F(Program, AnErrorOfOneProcessEndsAll) {
  const fs::path photos = in() / "photos";
  put_classes(photos, {"ant", "bee", "cat"}, 30);
  std::vector<uint8_t> broken = jpeg_file({100, 100, 3}, 1);
  broken.resize(broken.size() / 2);
  put_file(photos / "cat/7.jpg", broken);
  std::vector<std::string> words = {"d2l-data", "pack", "--from", photos.string(),
                                    "--shards", "8",    "--out",  out().string()};
  const ProgramResult failed = run_program(on_ranks(4, words));
  EXPECT_NE(failed.exit_code, 0);
  EXPECT_NE(failed.output.find("d2l-data: error: " + (photos / "cat/7.jpg").string() +
                               ": the JPEG file is truncated"),
            std::string::npos)
      << failed.output;
  EXPECT_EQ(failed.output.find("another process"), std::string::npos) << failed.output;
  EXPECT_FALSE(fs::exists(out()));

  words.insert(words.end(), {"--on-bad-image", "skip"});
  const ProgramResult skipped = run_program(on_ranks(4, words));
  EXPECT_EQ(skipped.exit_code, 0) << skipped.output;
  EXPECT_NE(skipped.output.find("1 of 90 images (train) was left out"), std::string::npos)
      << skipped.output;
  EXPECT_EQ(run({"verify", "--decode", out().string()}).exit_code, 0);
}

TEST_F(Program, VerifyDecodesAndNamesBrokenImages) {
  // an archive of correct bytes whose images are broken, as another program may write it
  DatasetInfo info = small_dataset(1)->info();
  info.shape = {0, 0, 3};
  info.samples = 2;
  ShardInfo shard;
  shard.dataset = info;
  std::vector<uint8_t> jpeg = jpeg_file({60, 60, 3}, 1);
  fs::create_directories(out());
  ShardWriter writer(out() / shard_name(Split::train, 0, 1), shard);
  writer.add({.encoding = Encoding::jpeg, .bytes = jpeg, .shape = {60, 60, 3}, .label = 0}, "good");
  jpeg.resize(jpeg.size() / 2);
  writer.add({.encoding = Encoding::jpeg, .bytes = jpeg, .shape = {60, 60, 3}, .label = 1},
             "bees/9.jpg");
  writer.finish(0, 2);
  EXPECT_EQ(run({"verify", out().string()}).exit_code, 0);
  const ProgramResult result = run({"verify", "--decode", out().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              testing::AllOf(testing::HasSubstr("(bees/9.jpg): the JPEG file is truncated"),
                             testing::EndsWith("error: 1 of 2 images is broken\n")));
}

TEST_F(Program, StatsAreAnOptionOfTraining) {
  ASSERT_EQ(pack().exit_code, 0);
  PixelSums sums;
  sums.add(noise(101 * 24).data(), {101, 24, 1});
  const ProgramResult result = run({"stats", out().string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(result.output.find("--normalize " + fixed(sums.mean()[0], 4) + ":" +
                               fixed(sums.deviation()[0], 4) + "\n"),
            std::string::npos)
      << result.output;
  EXPECT_NE(result.output.find("         15  0\n"), std::string::npos) << result.output;
}

TEST_F(Program, ShowWritesAPicture) {
  ASSERT_EQ(pack().exit_code, 0);
  const fs::path sheet = in() / "sheet.png";
  const std::vector<std::string> words = {
      "show", out().string(), "--out", sheet.string(), "--samples", "9", "--side", "32"};
  const ProgramResult result = run(words);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output, "9 of 101 samples of idx in " + sheet.string() + "\n");
  const std::vector<uint8_t> first = bytes_of(sheet);
  EXPECT_EQ(read_image_header(first).shape, (Shape{3 * 56 + 8, 3 * 40 + 8, 3}));
  run(words);
  EXPECT_EQ(bytes_of(sheet), first);
  run({"show", out().string(), "--out", sheet.string(), "--samples", "9", "--side", "32", "--seed",
       "1"});
  EXPECT_NE(bytes_of(sheet), first);
}

TEST_F(Program, ShowAndBenchAugment) {
  put_classes(in() / "photos", {"ant", "bee"}, 10);
  const fs::path sheet = in() / "sheet.png";
  ASSERT_EQ(run({"pack", "--from", (in() / "photos").string(), "--out", out().string()}).exit_code,
            0);
  std::vector<std::string> words = {"show", out().string(), "--out", sheet.string(), "--samples",
                                    "4",    "--side",       "16"};
  ASSERT_EQ(run(words).exit_code, 0);
  const std::vector<uint8_t> stored = bytes_of(sheet);
  words.insert(words.end(), {"--augment", "random-resized-crop 16, brightness 0.5"});
  const ProgramResult shown = run(words);
  ASSERT_EQ(shown.exit_code, 0) << shown.output;
  EXPECT_NE(bytes_of(sheet), stored);
  words.back() = "flip 0.5";  // the images differ in size
  EXPECT_EQ(run(words).exit_code, 1);

  const ProgramResult result = run({"bench", out().string(), "--seconds", "0.1", "--threads", "2",
                                    "--augment", "random-resized-crop 16"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* part : {"reading", "decoding", "augmenting", "all together"})
    EXPECT_THAT(result.output, testing::ContainsRegex(std::string(part) + " +[0-9,]+ samples/s"));
}

TEST_F(Program, PacksTheArchiveOfCifar10) {
  const fs::path archive = data_dir() / "cifar10/cifar10_jpeg_60000.tar.gz";
  if (!fs::exists(archive)) GTEST_SKIP() << kNoData;
  const ProgramResult packed =
      run({"pack", "--from", archive.string(), "--out", out().string(), "--limit", "50000"});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  const ProgramResult verified = run({"verify", "--decode", out().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  const ShardDataset train(out(), Split::train), test(out(), Split::test);
  EXPECT_EQ(train.class_counts(50'000), std::vector<int64_t>(10, 5000));
  EXPECT_EQ(test.class_counts(10'000), std::vector<int64_t>(10, 1000));
  for (const int64_t i : {0, 12'345, 49'999})
    EXPECT_THAT(train.name_of(i),
                testing::HasSubstr("train/" +
                                   train.class_names()[static_cast<size_t>(train.label(i))] + "/"));
}

}  // namespace
}  // namespace d2l::data::test
