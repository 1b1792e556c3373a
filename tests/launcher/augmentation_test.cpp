#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

const Words kAugmented = {"--recipe",
                          "lenet",
                          "--augment",
                          "rand-augment 1 9, pad-crop 4, flip 0.5, brightness 0.4, contrast 0.4, "
                          "random-erasing 0.25",
                          "--log-every",
                          "1",
                          "--normalize",
                          "0.3:0.25"};

TEST(Resume, BitForBitWithAugmentation) {
  TemporaryFolder folder;
  const std::string whole = folder.path() / "whole", cut = folder.path() / "cut";
  const Words options = kAugmented + Words{"--epochs", "2"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", cut, "--max-steps", "13"}).exit_code, 0);
  const ProgramResult refused =
      train(2, {"--resume", cut, "--max-steps", "0", "--augment", "flip 0.4"});
  EXPECT_THAT(refused.output, HasSubstr("--augment can change only between epochs"));
  ASSERT_EQ(train(2, {"--resume", cut, "--max-steps", "0"}).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n");
}

std::string with_former_options(std::string ini) {
  const std::string now = "augment = pad-crop 4, flip 0.3, brightness 0.1\neval-transform = none\n";
  const size_t at = ini.find(now);
  EXPECT_NE(at, std::string::npos) << ini;
  return ini.replace(at, now.size(), "flip = 0.3\ncrop-padding = 4\nbrightness = 0.1\n");
}

// Changes a run folder to one of the version in which the steps were options of their own.
void make_former(const std::filesystem::path& run) {
  const std::filesystem::path config = run / "config.ini";
  write_text_file(config, with_former_options(read_text_file(config)));
  const std::filesystem::path folder = run / "checkpoints";
  const int64_t step = CheckpointStore::steps(folder).back();
  Snapshot snapshot = CheckpointStore::read(CheckpointStore::path_of(folder, step)).snapshot;
  snapshot.texts["config"] = with_former_options(snapshot.texts["config"]);
  CheckpointStore(folder, {}).save(step, std::move(snapshot), true);
}

TEST(Resume, BitForBitOfARunWithFormerOptions) {
  TemporaryFolder folder;
  const std::string whole = folder.path() / "whole", cut = folder.path() / "cut";
  const Words options = {"--model",  "mlp",       "--lr",
                         "0.1",      "--augment", "pad-crop 4, flip 0.3, brightness 0.1",
                         "--epochs", "1"};
  ASSERT_EQ(train(0, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(0, options + Words{"--out", cut, "--max-steps", "5"}).exit_code, 0);
  make_former(cut);
  const ProgramResult resumed = train(0, {"--resume", cut, "--max-steps", "0"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("augment = pad-crop 4, flip 0.3, brightness 0.1\n"));
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n");
}

const Words kMixed = {"--recipe",     "lenet", "--augment",   "flip 0.5, mixup 0.4, cutmix 1",
                      "--log-every",  "1",     "--normalize", "0.3:0.25",
                      "--batch-size", "101"};

TEST(Resume, BitForBitWithMixedSamples) {
  TemporaryFolder folder;
  const std::string whole = folder.path() / "whole", cut = folder.path() / "cut";
  const Words options = kMixed + Words{"--epochs", "1"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", cut, "--max-steps", "3"}).exit_code, 0);
  ASSERT_EQ(train(2, {"--resume", cut, "--max-steps", "0"}).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n");
}

// Pairs that two ranks, or two pieces of a part, have one sample of each.
TEST(Train, MixesWhateverTheRanks) {
  TemporaryFolder folder;
  const Words options = kMixed + Words{"--max-steps", "10"};
  std::vector<double> reference;
  for (const auto& [ranks, accumulate] : {std::pair{0, 1}, {0, 3}, {2, 1}, {3, 2}}) {
    const std::filesystem::path run = folder.path() / concat(ranks, "-", accumulate);
    const ProgramResult result =
        train(ranks, options + Words{"--accumulate", std::to_string(accumulate), "--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 10u);
    if (reference.empty()) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4) << ranks << " ranks, step " << i;
  }
}

TEST(Train, RefusesWhatCannotBeMixed) {
  for (const auto& [steps, message] :
       {std::pair{"mixup 0", "--augment: step 'mixup 0': expected a number from 0.001 to 1000"},
        {"mixup 1, flip 0.5", "expected it before mixup, found it after"}}) {
    const ProgramResult result = train(0, {"--model", "mlp", "--augment", steps});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output, HasSubstr(message));
  }
  const ProgramResult eval = train(0, {"--model", "mlp", "--eval-transform", "mixup 1"});
  EXPECT_EQ(eval.exit_code, 2);
  EXPECT_THAT(eval.output, HasSubstr("--eval-transform expects resize and center-crop only"));
}

// The same images on any number of ranks and loader threads.
TEST(Train, AugmentsWhateverTheRanks) {
  TemporaryFolder folder;
  const Words options = kAugmented + Words{"--max-steps", "10", "--batch-size", "101"};
  std::vector<double> reference;
  for (int ranks : {0, 2}) {
    const std::filesystem::path run = folder.path() / std::to_string(ranks);
    ProgramResult result =
        train(ranks, options + Words{"--loader-threads", std::to_string(ranks + 1), "--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 10u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-5 * reference[i]) << ranks << " ranks, step " << i;
  }
  const std::filesystem::path plain = folder.path() / "plain";
  ASSERT_EQ(train(0, {"--recipe", "lenet", "--log-every", "1", "--max-steps", "10", "--batch-size",
                      "101", "--normalize", "0.3:0.25", "--out", plain})
                .exit_code,
            0);
  EXPECT_NE(losses(plain)[0], reference[0]);
}

}  // namespace
}  // namespace d2l::test
