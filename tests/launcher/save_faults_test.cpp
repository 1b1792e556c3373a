#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/call_faults.h"
#include "tests/support/support.h"

// System calls of a training fail in its folder of checkpoints: it goes on, and can be resumed.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int64_t kLastStep = 16;

class SaveFaults : public testing::Test {
 protected:
  static Words command(const fs::path& run) {
    return train_command(0, {"--model", "lenet", "--batch-size", "64", "--max-steps",
                             std::to_string(kLastStep), "--save-every", "4", "--eval-every", "8",
                             "--log-every", "4", "--keep", "2", "--out", run.string()});
  }
  // The calls of an undisturbed run from its first save on.
  std::vector<SystemCall> calls() const {
    const fs::path log = folder_.path() / "calls", run = folder_.path() / "whole";
    const ProgramResult result =
        run_program(with_call_fault(run / "checkpoints", {}, command(run), log));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    std::vector<SystemCall> calls = logged_calls(log);
    const auto is_of_save = [](const SystemCall& call) {
      return call.path.find("step-0000") != std::string::npos;
    };
    calls.erase(calls.begin(), std::find_if(calls.begin(), calls.end(), is_of_save));
    return calls;
  }
  // A run with this fault; then one more step from what it has left.
  void check_fault(const CallFault& fault) const {
    TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    const ProgramResult result =
        run_program(with_call_fault(run / "checkpoints", fault, command(run)));
    EXPECT_EQ(result.exit_code, fault.effect == "kill" ? 137 : 0) << result.output;
    CheckpointStore::newest_valid(run / "checkpoints",
                                  [](const std::string& text) { ADD_FAILURE() << text; });
    const Words more = {"--resume", run.string(), "--max-steps", std::to_string(kLastStep + 1)};
    const ProgramResult resumed = train(0, more);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
    if (fault.effect != "kill") {
      EXPECT_THAT(resumed.output, HasSubstr(concat("continuing after step ", kLastStep)));
    }
    const ProgramResult difference =
        run_program({"d2l-ckpt", "diff", (folder_.path() / "longer").string(), run.string()});
    EXPECT_EQ(difference.output, "identical\n");
  }

  TemporaryFolder folder_;
};

// D2L_TEST_ALL_FAULTS: every call with every effect; otherwise a few.
TEST_F(SaveFaults, TheTrainingGoesOnAndCanBeResumed) {
  if (!can_fault_calls()) GTEST_SKIP() << kNoCallFaults;
  const std::vector<SystemCall> all = calls();
  ASSERT_GT(all.size(), 60u);
  const fs::path whole = folder_.path() / "whole", longer = folder_.path() / "longer";
  fs::copy(whole, longer, fs::copy_options::recursive);
  const Words more = {"--resume", longer.string(), "--max-steps", std::to_string(kLastStep + 1)};
  ASSERT_EQ(train(0, more).exit_code, 0);
  const bool wants_all = std::getenv("D2L_TEST_ALL_FAULTS") != nullptr;
  const Words effects = {"EIO", "ENOSPC", "EINTR", "ESTALE", "short", "kill", "EIO-after"};
  int runs = 0;
  for (const SystemCall& call : all)
    for (const std::string& effect : effects) {
      const bool is_sample = (call.number % 66 == 0 && effect == "EIO") ||
                             (call.number % 99 == 50 && effect == "kill");
      if (!wants_all && !is_sample) continue;
      if (effect == "short" && call.name != "write") continue;
      SCOPED_TRACE(concat("call ", call.number, ", ", call.name, " ", call.path, ": ", effect));
      check_fault({call.number, call.number, effect});
      ++runs;
    }
  std::cout << all.size() << " calls, " << runs << " faults\n";
}

}  // namespace
}  // namespace d2l::test
