#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/formats/idx.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "framework/base/timer.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// A job of two ranks with different command lines.
class TwoCommands : public testing::Test {
 protected:
  ProgramResult run(const Words& first, const Words& second,
                    const std::string& second_program = "d2l-train") {
    Words words = on_ranks(1, command("d2l-train", first));
    const Words other = on_ranks(1, command(second_program, second));
    words.push_back(":");
    words.insert(words.end(), std::find(other.begin(), other.end(), "-n"), other.end());
    const Timer timer;
    ProgramResult result = run_program(words, 60);
    seconds_ = timer.seconds();
    return result;
  }
  // Expects one line that names the difference, quickly, and before anything is written.
  void expect_refused(const ProgramResult& result, const std::string& line) {
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr("d2l-train: error: the ranks do not agree: " + line));
    EXPECT_EQ(result.output.find("error: "), result.output.rfind("error: ")) << result.output;
    EXPECT_THAT(result.output, Not(HasSubstr("epoch")));
    EXPECT_FALSE(fs::exists(out()));
    EXPECT_LT(seconds_, 4);  // 2 on an idle machine
  }
  fs::path out() const { return folder_.path() / "run"; }
  fs::path file(const std::string& name) const { return folder_.path() / name; }

 private:
  Words command(const std::string& program, const Words& options) const {
    Words words = {program, "--model", "mlp", "--threads", "1", "--max-steps", "2", "--out", out()};
    words.insert(words.end(), options.begin(), options.end());
    if (std::find(options.begin(), options.end(), "--data") == options.end())
      words.insert(words.end(), {"--data", "synthetic"});
    return words;
  }

  TemporaryFolder folder_;
  double seconds_ = 0;
};

TEST_F(TwoCommands, EqualOnesTrain) {
  const ProgramResult result = run({"--lr", "0.5"}, {"--lr", "0.50"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(TwoCommands, AnotherOptimizerIsRefused) {
  expect_refused(run({}, {"--optimizer", "adam"}), "--optimizer is sgd on rank 0 (");
}

TEST_F(TwoCommands, OptionsThatNoCountShowsAreRefused) {
  expect_refused(run({}, {"--seed", "1"}), "--seed is 0 on rank 0 (");
  expect_refused(run({}, {"--label-smoothing", "0.1"}), "--label-smoothing is 0 on rank 0 (");
  expect_refused(run({"--deterministic", "on"}, {}), "--deterministic is on on rank 0 (");
}

// Writes 512 images and labels as IDX files; one label is `label`.
void write_data(const fs::path& folder, uint8_t label) {
  fs::create_directories(folder);
  const int64_t samples = 512;
  for (const std::string split : {"train", "t10k"}) {
    std::vector<uint8_t> images(static_cast<size_t>(samples * 28 * 28), 100);
    std::vector<uint8_t> labels(static_cast<size_t>(samples), 3);
    labels[77] = label;
    data::write_idx(folder / (split + "-images-idx3-ubyte"), {samples, 28, 28}, images);
    data::write_idx(folder / (split + "-labels-idx1-ubyte"), {samples}, labels);
  }
}

TEST_F(TwoCommands, OtherDataOfTheSameSizeAreRefusedAndTheSameElsewhereAreNot) {
  write_data(file("a"), 4);
  write_data(file("b"), 5);
  write_data(file("c"), 4);
  const auto from = [&](const char* folder) -> Words {
    return {"--data", "mnist", "--data-dir", file(folder)};
  };
  expect_refused(run(from("a"), from("b")), "the training data is mnist, 512 samples of ");
  EXPECT_EQ(run(from("a"), from("c")).exit_code, 0);
}

// The same program with another build id.
TEST_F(TwoCommands, AnotherBuildIsRefused) {
  const std::string id = program_id();
  EXPECT_GE(id.size(), 16u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  std::string program = read_text_file(bin_dir() / "d2l-train");
  const std::string begin("\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0", 16);
  const size_t note = program.find(begin);
  ASSERT_NE(note, std::string::npos) << "no build id in d2l-train";
  program[note + begin.size()] = static_cast<char>(program[note + begin.size()] ^ 1);
  const fs::path other = file("d2l-train");
  write_text_file(other, program);
  fs::permissions(other, fs::perms::owner_all);
  expect_refused(run({}, {}, other.string()), "the build of d2l-train is ");
}

// Within an epoch the files' content decides, not their location.
TEST_F(TwoCommands, AResumedRunKnowsItsDataWhereverTheyLie) {
  write_data(file("a"), 4);
  write_data(file("b"), 5);
  const Words begin = {"d2l-train",    "--model",    "mlp",         "--threads", "1",
                       "--batch-size", "64",         "--max-steps", "3",         "--data",
                       "mnist",        "--data-dir", file("a"),     "--out",     out()};
  const ProgramResult first = run_program(begin);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  fs::rename(file("a"), file("moved"));
  const auto resume = [&](const char* folder, const char* steps) {
    return run_program(
        {"d2l-train", "--resume", out(), "--data-dir", file(folder), "--max-steps", steps});
  };
  const ProgramResult changed = resume("b", "5");
  EXPECT_EQ(changed.exit_code, 2) << changed.output;
  EXPECT_THAT(changed.output, HasSubstr("--data can change only between epochs"));
  const ProgramResult moved = resume("moved", "8");
  EXPECT_EQ(moved.exit_code, 0) << moved.output;
  // An epoch has 8 steps.
  const ProgramResult next_epoch = resume("b", "9");
  EXPECT_EQ(next_epoch.exit_code, 0) << next_epoch.output;
}

}  // namespace
}  // namespace d2l::test
