#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/catalog.h"
#include "data/formats/write_image.h"
#include "data/shards/shard_writer.h"
#include "framework/base/files.h"
#include "launcher/stored_config.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// Jobs that read shards: the order of blocks, and damaged samples.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<uint8_t> bytes_of(const fs::path& path) {
  const std::string text = read_text_file(path);
  return {text.begin(), text.end()};
}

ProgramResult start(int ranks, const Words& options) {
  return run_program(on_ranks(ranks, Words{"d2l-train", "--threads", "1"} + options), 100);
}

// Shards of synthetic images.
class ShardRun : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* split : {"train", "test"}) {
      const ProgramResult packed = run_program({"d2l-data", "pack", "--from", "synthetic", "--out",
                                                shards(), "--split", split, "--limit", "600"});
      ASSERT_EQ(packed.exit_code, 0) << packed.output;
    }
  }
  // Flips a bit of a sample.
  void damage(data::Split split, int64_t number) const {
    const auto dataset = data::open_dataset(shards(), "", split);
    std::vector<uint8_t> image;
    const int64_t indices[] = {number};
    dataset->visit(indices, [&](size_t, const data::Sample& sample) {
      image.assign(sample.bytes.begin(), sample.bytes.end());
    });
    const fs::path path = shards() / (to_string(split) + "-00000-of-00001.h5");
    std::vector<uint8_t> bytes = bytes_of(path);
    const auto at = std::search(bytes.begin(), bytes.end(), image.begin(), image.end());
    ASSERT_NE(at, bytes.end());
    *at ^= 1;
    fs::remove(path);
    write_text_file(path, {bytes.begin(), bytes.end()});
  }
  ProgramResult run(int ranks, const Words& options) const {
    return start(ranks, Words{"--recipe", "lenet", "--batch-size", "50", "--data", shards(),
                              "--log-every", "1"} +
                            options);
  }
  fs::path shards() const { return folder_.path() / "shards"; }
  std::string out(const std::string& name) const { return folder_.path() / name; }

  TemporaryFolder folder_;
};

TEST_F(ShardRun, ResumesBitForBitInTheMiddleOfAnOrderOfBlocks) {
  const Words options = {"--shuffle", "blocks", "--shuffle-window", "8", "--epochs", "2"};
  ASSERT_EQ(run(2, options + Words{"--out", out("whole")}).exit_code, 0);
  ASSERT_EQ(run(2, options + Words{"--out", out("cut"), "--max-steps", "5"}).exit_code, 0);
  const ProgramResult refused =
      start(2, {"--resume", out("cut"), "--max-steps", "0", "--shuffle", "global"});
  EXPECT_THAT(refused.output, HasSubstr("--shuffle can change only between epochs"));
  const ProgramResult resumed =
      start(2, {"--resume", out("cut"), "--max-steps", "0", "--loader-threads", "3", "--cache",
                "0KiB", "--loader-queue", "1KiB"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", out("whole"), out("cut")}).output, "identical\n");
}

TEST_F(ShardRun, SaysWhatTheDataNeed) {
  const ProgramResult result =
      run(2, {"--max-steps", "3", "--loader-threads", "2", "--out", out("run")});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              testing::ContainsRegex("data: at most [0-9.]+ MiB of memory for each rank \\(dataset "
                                     "[0-9.]+ [KM]iB, order 4.7 KiB, batches [0-9.]+ [KM]iB\\), 2 "
                                     "loader threads"));
  EXPECT_THAT(result.output,
              testing::ContainsRegex("with data: [0-9.]+\\), waiting for data [0-9.]+ %\n"));
}

TEST_F(ShardRun, StopsIfTheTestDataHaveOtherClasses) {
  const data::Image grey{{28, 28, 1}, std::vector<uint8_t>(28 * 28, 100)};
  const std::vector<uint8_t> image = data::encode_png(grey);
  write_text_file(out("0.png"), {image.begin(), image.end()});
  write_text_file(out("1.png"), {image.begin(), image.end()});
  for (const std::string name : {"pets", "plants"}) {
    const std::string list = out(name + ".txt");
    write_text_file(list, name == "pets" ? "0.png cat\n1.png dog\n" : "0.png oak\n1.png yew\n");
    const ProgramResult packed =
        run_program({"d2l-data", "pack", "--from", list, "--test-from", list, "--out", out(name)});
    ASSERT_EQ(packed.exit_code, 0) << packed.output;
  }
  const Words options{"--model", "lenet", "--data", out("pets"), "--epochs", "1"};
  EXPECT_EQ(start(1, options + Words{"--out", out("first")}).exit_code, 0);
  fs::copy_file(out("plants") + "/test-00000-of-00001.h5", out("pets") + "/test-00000-of-00001.h5",
                fs::copy_options::overwrite_existing);
  const ProgramResult run = start(1, options + Words{"--out", out("second")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, HasSubstr("d2l-train: error: pets: expected the same classes in train "
                                    "and test, found class 0 with the name cat in train and oak "
                                    "in test"));
}

TEST_F(ShardRun, StopsAtADamagedSample) {
  damage(data::Split::train, 123);
  const ProgramResult result = run(2, {"--epochs", "1", "--out", out("run")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("d2l-train: error: "),
                                   HasSubstr("train-00000-of-00001.h5: sample 123 is damaged")));
}

TEST_F(ShardRun, ReplacesAndCountsDamagedSamples) {
  damage(data::Split::train, 123);
  damage(data::Split::train, 300);
  damage(data::Split::test, 7);
  std::vector<double> reference;
  for (int ranks : {0, 2}) {
    const std::string name = out(std::to_string(ranks));
    const ProgramResult result =
        run(ranks, {"--epochs", "2", "--on-bad-sample", "skip", "--loader-threads",
                    std::to_string(ranks + 1), "--out", name});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    for (const char* sample : {"train-00000-of-00001.h5: sample 123 is damaged",
                               "train-00000-of-00001.h5: sample 300 is damaged",
                               "test-00000-of-00001.h5: sample 7 is damaged"}) {
      const size_t first = result.output.find(sample);
      EXPECT_NE(first, std::string::npos) << result.output;
      EXPECT_EQ(result.output.find(sample, first + 1), std::string::npos) << "named twice";
      EXPECT_THAT(read_text_file(fs::path(name) / "log.txt"), HasSubstr(sample));
    }
    EXPECT_THAT(result.output,
                testing::ContainsRegex("epoch 1/2: .* %, 3 damaged samples were replaced\n"));
    EXPECT_THAT(result.output,
                testing::ContainsRegex("with data: .* %, 6 damaged samples were replaced\n"));
    const std::vector<double> found = losses(name);
    ASSERT_EQ(found.size(), 24U);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4 * reference[i]) << ranks << " ranks, step " << i;
  }
}

// Of a run that was started before these options existed.
TEST(ConfigFile, OfAnEarlierVersionMeansTheDefaults) {
  const launcher::Config config =
      launcher::from_ini("model = lenet\ndata = cifar10\nresize = 64\nloader-threads = 2\n");
  EXPECT_EQ(config.machine.loader_threads.count, 2);
  EXPECT_EQ(config.data.resize, 64);
  EXPECT_EQ(config.data.shuffle, launcher::ShuffleChoice::global);
  EXPECT_EQ(config.data.on_bad_sample, data::OnBadSample::fail);
  EXPECT_FALSE(config.machine.cache.bytes.has_value());
  EXPECT_FALSE(config.machine.loader_queue.bytes.has_value());
}

}  // namespace
}  // namespace d2l::test
