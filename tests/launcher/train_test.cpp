#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

TEST(Train, SaysWhatDoesNotFitTheImages) {
  TemporaryFolder folder;
  const std::string run = folder.path() / "run";
  const auto output = [&](const Words& words) {
    return train(0, Words{"--recipe", "lenet", "--out", run} + words).output;
  };
  EXPECT_THAT(
      output({"--normalize", "imagenet"}),
      HasSubstr("--normalize imagenet: expected numbers for 1 channel of the images, found 3"));
  EXPECT_THAT(output({"--normalize", "data"}),
              HasSubstr("--normalize data expects a dataset that knows its means and standard "
                        "deviations"));
  EXPECT_THAT(output({"--augment", "pad-crop 28"}),
              HasSubstr("--augment: pad-crop expects less than the image size, 28, found 28"));
  EXPECT_THAT(output({"--augment", "contrast 0.4, hue 0.1"}),
              HasSubstr("--augment: saturation and hue expect images with 3 channels, found 1"));
  EXPECT_THAT(
      output({"--augment", "center-crop 29"}),
      HasSubstr("--augment: center-crop expects images of at least 29 x 29, found 28 x 28"));
  EXPECT_THAT(output({"--eval-transform", "center-crop 29"}),
              HasSubstr("--eval-transform: center-crop expects images of at least 29 x 29"));
  EXPECT_THAT(
      output({"--eval-transform", "center-crop 24"}),
      HasSubstr("expected test samples of shape [28, 28, 1] in at most 10 classes, like the "
                "training samples, found [24, 24, 1] in 10"));
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST(Train, EmptyPartsOfABatchDoNoHarm) {
  TemporaryFolder folder;
  // 4096 = 4095 + 1: the last batch has a sample for only one of two ranks.
  ProgramResult result = train(2, {"--recipe", "lenet", "--batch-size", "4095", "--epochs", "1",
                                   "--out", folder.path() / "run"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST(Train, LossesDoNotDependOnTheNumberOfRanks) {
  TemporaryFolder folder;
  std::vector<double> reference;
  for (int ranks : {0, 1, 2, 3, 4}) {
    std::filesystem::path run = folder.path() / std::to_string(ranks);
    ProgramResult result = train(ranks, {"--recipe", "lenet", "--max-steps", "20", "--log-every",
                                         "1", "--out", run.string()});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 20u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4 * reference[i]) << ranks << " ranks, step " << i;
  }
}

TEST(Train, ResizedImagesAndNarrowedNetworks) {
  TemporaryFolder folder;
  const std::filesystem::path one = folder.path() / "one", two = folder.path() / "two";
  const Words options = {"--recipe", "googlenet",    "--resize", "40",          "--width",
                         "8",        "--batch-size", "64",       "--log-every", "1"};
  ASSERT_EQ(train(0, options + Words{"--max-steps", "4", "--out", one}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--max-steps", "2", "--out", two}).exit_code, 0);
  ProgramResult resumed = train(2, {"--resume", two, "--max-steps", "4"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("resize = 40"));
  EXPECT_THAT(resumed.output, HasSubstr("width = 8"));
  const std::vector<double> expected = losses(one), found = losses(two);
  ASSERT_EQ(found.size(), 4u);
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-4 * expected[i]) << "step " << i;
}

TEST(Train, AccumulatesLikeOneBatchOnAnyNumberOfRanks) {
  TemporaryFolder folder;
  std::vector<double> reference;
  for (int ranks : {0, 1, 2, 3}) {
    const std::filesystem::path run = folder.path() / std::to_string(ranks);
    const Words options = {"--recipe", "dropout-mlp",  "--max-steps", "10",          "--log-every",
                           "1",        "--batch-size", "100",         "--clip-norm", "0.3"};
    ProgramResult result = train(
        ranks, options + Words{"--accumulate", std::to_string(ranks * ranks + 1), "--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 10u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4 * reference[i]) << ranks << " ranks, step " << i;
  }
}

// Batch norms over the samples of all ranks: the same losses, statistics and weights as one rank's.
TEST(Train, SharesBatchStatisticsAmongRanks) {
  TemporaryFolder folder;
  const Words options = {"--recipe", "bn-lenet",     "--max-steps", "10",        "--log-every",
                         "1",        "--batch-size", "101",         "--sync-bn", "on"};
  std::vector<double> reference;
  for (int ranks : {0, 2, 4}) {
    const std::filesystem::path run = folder.path() / std::to_string(ranks);
    ProgramResult result = train(ranks, options + Words{"--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 10u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-4 * reference[i]) << ranks << " ranks, step " << i;
    ProgramResult diff =
        run_program({"d2l-ckpt", "diff", "--rtol", "1e-3",
                     CheckpointStore::path_of(folder.path() / "0" / "checkpoints", 10),
                     CheckpointStore::path_of(run / "checkpoints", 10)});
    EXPECT_EQ(diff.exit_code, 0) << diff.output;
  }
}

TEST(Train, HalfPrecisionFollowsTheLosses) {
  TemporaryFolder folder;
  std::vector<double> found[2];
  for (bool half : {false, true}) {
    const std::filesystem::path run = folder.path() / (half ? "half" : "full");
    ProgramResult result = train(2, {"--recipe", "bn-lenet", "--max-steps", "16", "--log-every",
                                     "1", "--precision", half ? "bf16" : "f32", "--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(result.output.find("\nbf16 is ") != std::string::npos, half) << result.output;
    found[half] = losses(run);
  }
  ASSERT_EQ(found[0].size(), found[1].size());
  for (size_t i = 0; i < found[0].size(); ++i)
    EXPECT_NEAR(found[1][i], found[0][i], 0.05 * found[0][i]) << "step " << i;
}

TEST(Train, FreezesByName) {
  TemporaryFolder folder;
  const Words options = {"--recipe", "bn-lenet",    "--epochs", "1",      "--save-every",
                         "1",        "--max-steps", "4",        "--keep", "9"};
  const std::filesystem::path run = folder.path() / "run";
  ProgramResult result = train(2, options + Words{"--freeze", "conv*,bn1.*", "--out", run});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  ProgramResult diff =
      run_program({"d2l-ckpt", "diff", CheckpointStore::path_of(run / "checkpoints", 1),
                   CheckpointStore::path_of(run / "checkpoints", 4)});
  EXPECT_THAT(diff.output, HasSubstr("parameters/"));
  EXPECT_THAT(diff.output, testing::Not(HasSubstr("conv1")));
  EXPECT_THAT(diff.output, testing::Not(HasSubstr("bn1")));
  EXPECT_THAT(result.output, HasSubstr(" parameters, of which "));
}

// metrics.csv shows the learning rate of each step.
TEST(Train, FollowsItsSchedule) {
  TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  ProgramResult result =
      train(0, {"--model", "mlp", "--lr", "0.5", "--warmup", "4steps", "--schedule", "multistep",
                "--milestones", "6steps,0.5", "--epochs", "1", "--log-every", "1", "--out", run});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::vector<double> rates = column(run, 4);
  ASSERT_EQ(rates.size(), 16u);
  const double expected[] = {0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.05, 0.05, 0.005, 0.005};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_NEAR(rates[i], expected[i], 1e-9) << i;
}

// Golden losses: a change of the numbers must be intended.
TEST(Train, FollowsItsGoldenTrajectory) {
  TemporaryFolder folder;
  struct Golden {
    Words options;
    std::vector<double> losses;  // of every third step
  };
  const Golden goldens[] = {
      {{"--recipe", "lenet", "--lr", "0.5"},
       {2.54026604, 2.41511416, 2.36784244, 2.34678698, 2.45212984, 2.28657317, 2.32701421,
        2.32571697, 2.31910944, 2.29252625}},
      {{"--recipe", "bn-lenet", "--lr", "0.1", "--momentum", "0.9", "--weight-decay", "0.001"},
       {2.23189402, 1.49564433, 1.1192832, 0.923592329, 0.802743316, 0.522964716, 0.466507584,
        0.350868076, 0.229549423, 0.180470943}},
      {{"--recipe", "dropout-mlp"},
       {2.30704975, 2.2954185, 2.30255747, 2.30624866, 2.30518198, 2.28090525, 2.29853868,
        2.31188512, 2.28439164, 2.28942776}}};
  for (const Golden& golden : goldens) {
    const std::filesystem::path run = folder.path() / golden.options[1];
    Words options = golden.options;
    options.insert(options.end(), {"--batch-size", "64", "--max-steps", "30", "--log-every", "3",
                                   "--out", run.string()});
    ProgramResult result = train(0, options);
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), golden.losses.size());
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], golden.losses[i], 2e-3 * golden.losses[i])
          << golden.options[1] << ", step " << 3 * (i + 1);
  }
}

// Open MPI gives ranks a terminal although its own output goes to a pipe here.
TEST(Train, DrawsNoProgressBarIntoAPipe) {
  setenv("TERM", "xterm", 1);
  for (int ranks : {0, 1, 2}) {
    TemporaryFolder folder;
    ProgramResult result =
        train(ranks, {"--recipe", "lenet", "--epochs", "2", "--out", folder.path() / "run"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("epoch 2/2"));
    EXPECT_THAT(result.output, testing::Not(HasSubstr("\033")));
  }
}

// The oldest checkpoints make room for new ones; the newest is never deleted.
TEST(Train, OnAFullDiskTheNewestStay) {
  TemporaryFolder folder;
  SmallDisk disk(folder.path(), "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small file system is not permitted here";
  const std::filesystem::path run = folder.path() / "run";
  ProgramResult result = train(2, {"--recipe", "lenet", "--save-every", "2", "--keep", "9",
                                   "--max-steps", "16", "--out", run.string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("No space left on device"));
  EXPECT_EQ(CheckpointStore::steps(run / "checkpoints"), (std::vector<int64_t>{12, 14, 16}));
  for (int64_t step : {12, 14})
    std::filesystem::remove(CheckpointStore::path_of(run / "checkpoints", step));
  write_text_file(folder.path() / "filler", std::string(600'000, 'x'));
  ProgramResult resumed = train(1, {"--resume", run.string(), "--max-steps", "18"});
  EXPECT_THAT(resumed.output, HasSubstr("continuing after step 16"));
  EXPECT_EQ(resumed.exit_code, 1) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("checkpoint of step 18 was not saved"));
  EXPECT_EQ(CheckpointStore::steps(run / "checkpoints"), (std::vector<int64_t>{16}));
}

TEST(Train, SaysWhyThereIsNoGpu) {
  TemporaryFolder folder;
  setenv("D2L_CUDA_MODULE", "/nowhere/libd2l_cuda.so", 1);
  const Words model = {"--model", "lenet", "--out", folder.path() / "x"};
  const ProgramResult cuda = train(0, model + Words{"--device", "cuda"});
  EXPECT_EQ(cuda.exit_code, 1);
  EXPECT_EQ(cuda.output,
            "d2l-train: error: --device cuda: $D2L_CUDA_MODULE names no file: "
            "/nowhere/libd2l_cuda.so\n");
  const ProgramResult tf32 = train(0, model + Words{"--precision", "tf32"});
  EXPECT_EQ(tf32.exit_code, 2);
  EXPECT_THAT(tf32.output, HasSubstr("--precision tf32 expects a GPU"));
  for (int ranks : {0, 2}) EXPECT_EQ(train(ranks, model + Words{"--comm", "nccl"}).exit_code, 2);
  const ProgramResult on_cpu = train(0, model + Words{"--max-steps", "1"});
  EXPECT_EQ(on_cpu.exit_code, 0);
  EXPECT_THAT(on_cpu.output,
              HasSubstr("--device auto has chosen the CPU: $D2L_CUDA_MODULE names no file"));
  unsetenv("D2L_CUDA_MODULE");
}

TEST(Train, SaysWhatIsWrong) {
  TemporaryFolder folder;
  std::string out = (folder.path() / "run").string();
  struct Case {
    std::vector<std::string> options;
    int exit_code;
    const char* message;
  };
  for (const Case& bad : std::vector<Case>{
           {{"--model", "lenett", "--out", out}, 2, "did you mean 'lenet'"},
           {{"--bach-size", "3"}, 2, "did you mean '--batch-size'"},
           {{"--recipe", "lenet", "--batch-size", "0", "--out", out}, 2, "--batch-size"},
           {{"--recipe", "lenet", "--width", "2", "--out", out}, 2, "cannot be made narrower"},
           {{"--recipe", "nin", "--resize", "66", "--out", out}, 1, "at least 67 x 67"},
           {{"--recipe", "lenet", "--freeze", "conv9.*", "--out", out}, 2, "'conv9.*'"},
           {{"--recipe", "lenet", "--warmup", "11", "--out", out}, 2, "--warmup expects fewer"},
           {{"--recipe", "lenet", "--beta1", "0.5", "--out", out}, 2, "--beta1 has no effect"},
           {{"--recipe", "lenet", "--precision", "fp8", "--out", out},
            2,
            "f32, bf16, fp16 or tf32"},
           {{"--recipe", "lenet", "--loss-scale", "8", "--out", out},
            2,
            "--loss-scale has no effect with --precision f32, only with fp16"},
           {{"--recipe", "lenet", "--precision", "fp16", "--loss-scale", "-1", "--out", out},
            2,
            "--loss-scale expects a number from 0"},
           {{"--recipe", "lenet", "--precision", "fp16", "--device", "cpu", "--out", out},
            2,
            "expects a GPU, found --device cpu; on CPUs use --precision bf16"},
           {{"--recipe", "bn-lenet", "--sync-bn", "on", "--accumulate", "2", "--out", out},
            2,
            "--accumulate 1"},
           {{"--recipe", "lenet", "--accumulate", "300", "--out", out}, 2, "--accumulate 300"},
           {{"--recipe", "lenet", "--out", "/proc/nothing/run"}, 1, "/proc/nothing"},
           {{"--resume", out}, 1, "config.ini"}}) {
    ProgramResult result = train(0, bad.options);
    EXPECT_EQ(result.exit_code, bad.exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(bad.message));
  }
  ProgramResult crowded = train(3, {"--recipe", "lenet", "--batch-size", "2", "--out", out});
  EXPECT_EQ(crowded.exit_code, 2);
  EXPECT_THAT(crowded.output, HasSubstr("at least one sample for each of the 3 ranks, found 2"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace d2l::test
