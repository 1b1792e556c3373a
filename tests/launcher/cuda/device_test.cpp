#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// A batch that cannot be divided evenly among ranks.
const Words kRun = {"--batch-size", "31", "--log-every", "1", "--eval-every", "8"};
const Words kEight = {"--max-steps", "8"};
const Words kSixteen = {"--max-steps", "16"};

void expect_same_losses(const std::filesystem::path& found, const std::filesystem::path& wanted) {
  const std::vector<double> f = losses(found), w = losses(wanted);
  ASSERT_EQ(f.size(), w.size());
  ASSERT_FALSE(w.empty());
  for (size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(f[i], w[i], 2e-3 * w[i]) << "step " << i + 1;
}

class OnGpu : public testing::Test {
 protected:
  // Runs kRun, which must succeed; returns its folder.
  std::filesystem::path run(const std::string& name, int ranks, const Words& options) {
    const std::filesystem::path out = folder.path() / name;
    const ProgramResult result = train(ranks, kRun + options + Words{"--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    for (const double rate : column(out, 5)) EXPECT_LT(rate, 1e8) << "examples/s";
    return out;
  }

  TemporaryFolder folder;
};

TEST_F(OnGpu, TrainsLikeTheCpu) {
  const Words norms = kEight + Words{"--model", "bn-lenet"};
  expect_same_losses(run("gpu", 0, norms + Words{"--device", "cuda"}),
                     run("cpu", 0, norms + Words{"--device", "cpu"}));
  const Words pieces = kEight + Words{"--model", "lenet", "--accumulate", "3"};
  expect_same_losses(run("auto", 0, pieces), run("cpu2", 0, pieces + Words{"--device", "cpu"}));
}

TEST_F(OnGpu, RanksMayShareAGpuOverMpi) {
  const Words options = kEight + Words{"--model", "bn-lenet", "--sync-bn", "on"};
  expect_same_losses(run("two", 2, options + Words{"--device", "cuda", "--comm", "mpi"}),
                     run("one", 0, options + Words{"--device", "cuda"}));
}

// The loss scales of a run's skipped steps, in order.
std::vector<std::string> skipped(const std::filesystem::path& run) {
  std::vector<std::string> steps;
  std::istringstream lines(read_text_file(run / "log.txt"));
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find("step "); line.find(": skipped, fp16") != std::string::npos)
      steps.push_back(line.substr(at));
  return steps;
}

TEST_F(OnGpu, Fp16FollowsTheLossesOfF32) {
  const Words options = kEight + Words{"--model", "bn-lenet", "--device", "cuda"};
  const auto half = run("half", 0, options + Words{"--precision", "fp16"});
  const std::vector<double> f = losses(half), w = losses(run("full", 0, options));
  ASSERT_EQ(f.size(), w.size());
  for (size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(f[i], w[i], 0.01 * w[i]) << "step " << i + 1;
}

// With this scale, some batches overflow and some do not; some overflow on only one rank.
TEST_F(OnGpu, RanksSkipTheSameSteps) {
  const Words options =
      kSixteen + Words{"--model", "mlp",          "--device", "cuda", "--precision",
                       "fp16",    "--loss-scale", "2.2e6",    "--lr", "0.5"};
  const auto two = run("two", 2, options + Words{"--comm", "mpi"}), one = run("one", 0, options);
  const std::vector<std::string> steps = skipped(one);
  EXPECT_GT(steps.size(), 1u);
  EXPECT_LT(steps.size(), 15u);
  EXPECT_EQ(skipped(two), steps);
  expect_same_losses(two, one);
}

TEST_F(OnGpu, ResumesFp16BitForBit) {
  const Words options = {"--model",     "bn-lenet", "--device",        "cuda",
                         "--precision", "fp16",     "--deterministic", "on"};
  const auto whole = run("whole", 0, kEight + options);
  const auto cut = run("cut", 0, options + Words{"--max-steps", "4"});
  ASSERT_EQ(train(0, Words{"--resume", cut} + kEight).exit_code, 0);
  const auto last = [](const std::filesystem::path& run) {
    return (run / "checkpoints" / "step-00000008.h5").string();
  };
  const ProgramResult diff = run_program({"d2l-ckpt", "diff", last(whole), last(cut)});
  EXPECT_EQ(diff.exit_code, 0) << diff.output;
}

// The scale is dropped, or does not exist yet.
TEST_F(OnGpu, RunsChangeTheirPrecisionAndDevice) {
  const Words options = {"--model", "mlp", "--device", "cuda", "--precision", "fp16"};
  const auto cut = run("cut", 0, options + Words{"--max-steps", "3"});
  for (const Words& next : {Words{"--precision", "f32", "--device", "cpu", "--max-steps", "6"},
                            Words{"--precision", "fp16", "--device", "cuda", "--max-steps", "9"}}) {
    const ProgramResult resumed = train(0, Words{"--resume", cut} + next);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  }
}

// Recorded steps (the default) give the same bits as others.
TEST_F(OnGpu, CudaGraphsChangeNothing) {
  const Words options = Words{"--model", "bn-lenet", "--device", "cuda", "--deterministic", "on"} +
                        Words{"--max-steps", "20", "--clip-norm", "1", "--ema", "0.9"};
  const auto off = run("off", 0, options + Words{"--cuda-graph", "off"});
  const auto on = run("on", 0, options);
  EXPECT_EQ(losses(on), losses(off));
  EXPECT_THAT(read_text_file(on / "log.txt"), HasSubstr("replayed as a CUDA graph of"));
  EXPECT_THAT(read_text_file(off / "log.txt"), Not(HasSubstr("CUDA graph")));
}

TEST_F(OnGpu, StepsThroughTheHostAreNotRecorded) {
  const Words options = {"--model", "mlp", "--device", "cuda", "--comm", "mpi", "--max-steps", "6"};
  const auto out = run("two", 2, options);
  EXPECT_THAT(read_text_file(out / "log.txt"), HasSubstr("not captured as CUDA graphs"));
}

TEST_F(OnGpu, SharedGpusAreFoundAtTheStart) {
  const std::filesystem::path out = folder.path() / "x";
  const ProgramResult result =
      train(8, kRun + kEight + Words{"--model", "mlp", "--device", "cuda", "--out", out});
  if (result.exit_code == 0) GTEST_SKIP() << "this machine has 8 GPUs";
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("GPU"), HasSubstr("for each rank"),
                                   HasSubstr("visible GPUs"), HasSubstr("uses")));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(OnGpu, CheckpointsGoFromOneDeviceToTheOther) {
  const Words adam = {"--model", "bn-lenet", "--optimizer", "adam", "--lr", "0.001"};
  const auto whole = run("whole", 0, kEight + adam + Words{"--device", "cpu"});
  for (const auto& [first, second] : {std::pair("cpu", "cuda"), std::pair("cuda", "cpu")}) {
    const auto cut = run(first, 0, adam + Words{"--device", first, "--max-steps", "4"});
    const ProgramResult resumed = train(0, Words{"--resume", cut, "--device", second} + kEight);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    expect_same_losses(cut, whole);
  }
}

// Profiled steps wait for each operation; steps are also timed without waiting.
TEST_F(OnGpu, TimeComparesWithTheGpusLimits) {
  for (const char* precision : {"f32", "tf32"}) {
    const ProgramResult result = train(0, {"--model", "lenet", "--batch-size", "8", "--device",
                                           "cuda", "--precision", precision, "--time", "2"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output,
                AllOf(HasSubstr("\nall of these "), HasSubstr("adds overhead, a step took "),
                      ContainsRegex("without waiting, it took [0-9.]+ ms\n2 steps, "),
                      HasSubstr("; memory: "), HasSubstr(std::string(precision) + " ")));
    EXPECT_EQ(result.output.find("tf32") != std::string::npos, precision == std::string("tf32"));
  }
}

}  // namespace
}  // namespace d2l::test
