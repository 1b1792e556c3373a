#include "tests/support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/checkpoint/file.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

class Program : public testing::Test {
 protected:
  Program() {
    std::filesystem::create_directories(run_ / "checkpoints");
    write_checkpoint(run_ / "checkpoints" / "step-00000041.h5", sample_snapshot(41));
    write_checkpoint(newest_, sample_snapshot(42));
    write_checkpoint(folder_.path() / "b.h5", sample_snapshot(42));
  }
  ProgramResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "d2l-ckpt");
    return run_program(arguments);
  }
  std::string b() { return (folder_.path() / "b.h5").string(); }
  void expect_failure(const std::vector<std::string>& arguments, const std::string& message) {
    ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr("d2l-ckpt: error: "));
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }

  TemporaryFolder folder_;
  std::filesystem::path run_ = folder_.path() / "run";
  std::filesystem::path newest_ = run_ / "checkpoints" / "step-00000042.h5";
};

TEST_F(Program, InfoShowsWhatIsInTheNewest) {
  for (const std::filesystem::path& path : {run_, run_ / "checkpoints", newest_}) {
    ProgramResult result = run({"info", path.string()});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    for (const char* part : {"step       42\n", "epoch      4\n", "verified", "f32 [6, 5, 5, 1]\n",
                             "996 parameters", "progress/loss_sum = 0.25\n", "model = lenet\n"})
      EXPECT_THAT(result.output, HasSubstr(part));
  }
}

TEST_F(Program, DiffOfEqualStates) {
  ProgramResult result = run({"diff", run_.string(), b()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "identical\n");
}

TEST_F(Program, EqualStatesHaveEqualHashes) {
  const std::string hash = run({"hash", run_.string()}).output;
  EXPECT_THAT(hash, testing::MatchesRegex("[0-9a-f]+\n"));
  EXPECT_EQ(hash.size(), 17u);
  Snapshot same = sample_snapshot(42);
  same.texts["model"] = "another";
  write_checkpoint(b(), same);
  EXPECT_EQ(run({"hash", b()}).output, hash);
  const auto changed = [&](const std::function<void(Snapshot&)>& change) {
    Snapshot other = sample_snapshot(42);
    change(other);
    write_checkpoint(b(), other);
    return run({"hash", b()}).output;
  };
  EXPECT_NE(changed([](Snapshot& s) { s.arrays["parameters/conv1.bias"].bytes[3] ^= 128; }), hash);
  EXPECT_NE(changed([](Snapshot& s) { s.integers["progress/epoch"] += 1; }), hash);
  EXPECT_NE(changed([](Snapshot& s) { s.reals["progress/loss_sum"] = -0.0; }), hash);
  EXPECT_NE(changed([](Snapshot& s) { s.arrays["more"] = ramp({2}, 1); }), hash);
}

TEST_F(Program, DiffWithATolerance) {
  Snapshot near = sample_snapshot(42);
  near.arrays["parameters/conv1.bias"] = ramp({6}, 42.0001f);
  write_checkpoint(folder_.path() / "near.h5", near);
  std::string path = (folder_.path() / "near.h5").string();
  ProgramResult strict = run({"diff", path, b()});
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_THAT(strict.output, HasSubstr("parameters/conv1.bias: 6 of 6 elements differ"));
  ProgramResult loose = run({"diff", path, b(), "--rtol", "1e-4"});
  EXPECT_EQ(loose.exit_code, 0);
  EXPECT_EQ(loose.output, "equal within 0.0001\n");
  EXPECT_EQ(run({"diff", b(), b(), "--rtol=1e-4"}).output, "identical\n");
  EXPECT_EQ(run({"diff", path, b(), "--rtol", "1e-9"}).exit_code, 1);
}

TEST_F(Program, DamageAndAbsenceAreOneLineAndExitCode2) {
  std::string bytes = bytes_of(newest_);
  bytes[bytes.size() - 7] ^= 4;
  put_bytes(newest_, bytes);
  expect_failure({"info", run_.string()}, "damaged checkpoint " + newest_.string());
  expect_failure({"diff", run_.string(), b()}, "damaged checkpoint " + newest_.string());
  expect_failure({"diff", b(), b() + "x"}, "No such file or directory");
  expect_failure({"info", folder_.path().string()}, ": expected a checkpoint (step-*.h5) in it");
}

TEST_F(Program, UsageErrors) {
  expect_failure({}, "expected a command");
  expect_failure({"inof", b()}, "unknown command 'inof', did you mean 'info'?");
  expect_failure({"info"}, "info expects 1 path, found 0");
  expect_failure({"diff", b()}, "diff expects 2 paths, found 1");
  expect_failure({"diff", b(), b(), "--rtoll", "1"}, "unknown option '--rtoll', did you mean");
  expect_failure({"diff", b(), b(), "--rtol", "x"}, "rtol");
  expect_failure({"diff", b(), b(), "--rtol", "-1"}, "--rtol expects a number");
  expect_failure({"info", b(), "--rtol", "0.1"}, "--rtol has no effect with info");
  ProgramResult help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("d2l-ckpt diff A B"));
}

}  // namespace
}  // namespace d2l::test
