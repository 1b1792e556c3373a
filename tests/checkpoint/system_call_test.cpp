#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "framework/base/text.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/checkpoint/save_loop/loop_state.h"
#include "tests/support/call_faults.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

// Each system call of a save fails once. The save loop saves steps 1 to 4 and keeps two; step 3 is
// the best.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Lines = std::vector<std::string>;

// D2L_TEST_ALL_FAULTS: every call with every effect; otherwise every fourth call with one of them.
bool wants_all() { return std::getenv("D2L_TEST_ALL_FAULTS") != nullptr; }

Lines loop(const fs::path& folder) { return {"checkpoint_save_loop", folder.string(), "1", "4"}; }

// The calls of an undisturbed loop from its first save on.
std::vector<SystemCall> calls_of_saves() {
  TemporaryFolder folder;
  const fs::path log = folder.path() / "calls", saves = folder.path() / "saves";
  const ProgramResult result = run_program(with_call_fault(saves, {}, loop(saves), log), 20);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  std::vector<SystemCall> calls = logged_calls(log);
  const auto is_of_save = [](const SystemCall& call) {
    return call.path.find("step-00000001") != std::string::npos;
  };
  calls.erase(calls.begin(), std::find_if(calls.begin(), calls.end(), is_of_save));
  return calls;
}

// Every file under the name of a checkpoint is one, and best.h5 too.
void check_files(const fs::path& saves) {
  for (const auto& entry : fs::directory_iterator(saves)) {
    if (entry.path().extension() != ".h5") continue;
    EXPECT_TRUE(is_loop_state(read_checkpoint(entry.path()))) << entry.path();
  }
}

// The steps that the loop has reported to be on disk, and its other lines.
struct Output {
  std::vector<int64_t> saved;
  Lines warnings;
};

Output parse(const std::string& text) {
  Output output;
  for (const std::string& line : split_lines(text))
    if (line.starts_with("saved "))
      output.saved.push_back(std::stoll(line.substr(6)));
    else
      output.warnings.push_back(line);
  return output;
}

// Runs the loop with one fault and checks what remains.
void check_fault(const SystemCall& call, const CallFault& fault) {
  SCOPED_TRACE(concat("call ", call.number, ", ", call.name, " ", call.path, ": ", fault.effect));
  TemporaryFolder folder;
  const fs::path saves = folder.path() / "saves";
  const ProgramResult result = run_program(with_call_fault(saves, fault, loop(saves)), 20);
  const Output output = parse(result.output);
  const bool killed = fault.effect == "kill";
  EXPECT_EQ(result.exit_code, killed ? 137 : 0) << result.output;
  check_files(saves);
  std::string skipped;
  const auto found =
      CheckpointStore::newest_valid(saves, [&](const std::string& text) { skipped = text; });
  EXPECT_EQ(skipped, "");
  const int64_t reported = output.saved.empty() ? 0 : output.saved.back();
  EXPECT_GE(found ? found->snapshot.integers.at("progress/step") : 0, reported);
  EXPECT_LE(output.warnings.size(), killed ? 0u : 1u) << result.output;
  for (const std::string& warning : output.warnings)
    EXPECT_THAT(warning, AnyOf(HasSubstr("checkpoint"), HasSubstr("best.h5")));
  if (!killed) {
    EXPECT_EQ(reported, 4) << "the save after the fault works";
  }
  // The next job removes what is unfinished.
  const CheckpointStore next(saves, {});
  for (const auto& entry : fs::directory_iterator(saves))
    EXPECT_EQ(entry.path().extension(), ".h5") << entry.path();
}

// The disk works again after the last attempt.
TEST(SystemCalls, ASaveThatFailsForGoodIsOneWarningAndTheNextOneWorks) {
  if (!can_fault_calls()) GTEST_SKIP() << kNoCallFaults;
  const std::vector<SystemCall> calls = calls_of_saves();
  const auto second = std::find_if(calls.begin(), calls.end(), [](const SystemCall& call) {
    return call.path.find("step-00000002") != std::string::npos;
  });
  ASSERT_NE(second, calls.end());
  TemporaryFolder folder;
  const fs::path saves = folder.path() / "saves";
  // Each of the three attempts looks at the name, opens a file and removes it.
  const CallFault fault = {second->number, second->number + 8, "EIO"};
  const ProgramResult result = run_program(with_call_fault(saves, fault, loop(saves)), 20);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const Output output = parse(result.output);
  EXPECT_THAT(output.saved, ElementsAre(1, 3, 4));
  EXPECT_THAT(output.warnings,
              ElementsAre(AllOf(HasSubstr("checkpoint of step 2 was not saved: cannot write "),
                                HasSubstr("Input/output error (3 attempts)"))));
}

TEST(SystemCalls, AnyOneMayFailDuringASave) {
  if (!can_fault_calls()) GTEST_SKIP() << kNoCallFaults;
  const std::vector<SystemCall> calls = calls_of_saves();
  ASSERT_GT(calls.size(), 40u);
  const Lines effects = {"EIO",   "ENOSPC", "EDQUOT", "ESTALE",   "EINTR",
                         "EROFS", "short",  "kill",   "EIO-after"};
  int runs = 0;
  for (const SystemCall& call : calls) {
    for (size_t i = 0; i < effects.size(); ++i) {
      const bool is_sample =
          call.number % 4 == 0 && i == static_cast<size_t>(call.number / 4) % effects.size();
      if (!wants_all() && !is_sample) continue;
      if (effects[i] == "short" && call.name != "write") continue;
      check_fault(call, {call.number, call.number, effects[i]});
      ++runs;
    }
  }
  std::cout << calls.size() << " calls, " << runs << " faults\n";
}

}  // namespace
}  // namespace d2l::test
