#include "tests/support/program.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "data/formats/idx.h"
#include "data/shards/shard_dataset.h"
#include "tests/data/data_support.h"

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
  for (const char* part : {"mine, train, shard 2 of 3", "34, numbers 34 to 67 of 101", "[4, 6, 1]",
                           "classes       7", "deflate 2"})
    EXPECT_NE(info.output.find(part), std::string::npos) << part << " in\n" << info.output;

  const ProgramResult verified = run({"verify", out().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_NE(verified.output.find("train-00002-of-00003.h5: ok, 33 samples"), std::string::npos);
}

TEST_F(Program, WarnsOfClassesWithoutSamples) {
  std::vector<uint8_t> labels(101);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(1 + i % 26);
  write_idx(in() / "train-labels-idx1-ubyte.gz", {101}, labels);
  const ProgramResult packed = pack();
  EXPECT_EQ(packed.exit_code, 0) << packed.output;
  const std::string counts =
      "0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3";
  EXPECT_EQ(packed.output.rfind("d2l-data: warning: idx, train: no samples of 1 of 27 classes: 0 "
                                "(do the labels count from 1?); samples per class: " +
                                    counts + "\npacked 101",
                                0),
            0U)
      << packed.output;
  EXPECT_NE(run({"info", out().string()}).output.find("per class     " + counts + "\n"),
            std::string::npos);
}

TEST_F(Program, InfoObeysNoText) {
  DatasetInfo info = small_dataset(10)->info();
  info.licence = "free\n\x1b[2J";
  write_shards(in(), MemoryDataset(info, noise(240), std::vector<uint8_t>(10)), 1);
  const ProgramResult result = run({"info", in().string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(result.output.find("  licence       free\\n\\x1b[2J\n"), std::string::npos)
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
      {{}, "a command is missing: fetch, pack, info or verify"},
      {{"pakc"}, "unknown command 'pakc', did you mean 'pack'?"},
      {{"pack", "--form", "idx"}, "unknown option '--form', did you mean '--from'?"},
      {{"pack"}, "--from is missing"},
      {{"pack", "--from", "synthetic"}, "--out is missing"},
      {{"pack", "--from", "synthetic", "--out", "x", "--shards", "0"},
       "--shards: expected 1 to 99999, found 0"},
      {{"pack", "--from", "synthetic", "--out", "x", "--shards", "two"}, "the argument ('two')"},
      {{"pack", "--from", "synthetic", "--out", "x", "--deflate", "10"},
       "--deflate: expected 0 to 9, found 10"},
      {{"pack", "--from", "synthetic", "--out", "x", "--limit", "5000"},
       "--limit: expected 1 to 4096, found 5000"},
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
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"pack", "--help"}, {"info", "--help"}, {"verify", "-h"}}) {
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
  Process first(
      {"d2l-data", "pack", "--from", "synthetic", "--shards", "100", "--out", out().string()});
  wait_for_begin();
  const std::vector<pid_t> found = processes_of("d2l-data", out().string());
  ASSERT_EQ(found.size(), 1U);
  ASSERT_EQ(::kill(found[0], SIGSTOP), 0);
  const ProgramResult second = pack();
  EXPECT_EQ(::kill(found[0], SIGCONT), 0);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(
      second.output,
      testing::AllOf(testing::StartsWith(
                         "d2l-data: error: cannot pack train shards into " + out().string() + ": " +
                         (out() / ".d2l-pack-train.lock").string() + " is held by process "),
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
  Process killed(
      {"d2l-data", "pack", "--from", "synthetic", "--shards", "2000", "--out", out().string()});
  wait_for_begin();
  killed.wait(0);
  EXPECT_EQ(entries(), 2);
  ASSERT_EQ(pack().exit_code, 0);
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(ShardDataset(out(), Split::train).samples(), 101);
}

}  // namespace
}  // namespace d2l::data::test
