#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

// Jobs on machines at their limits.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class Exhaustion : public testing::Test {
 protected:
  Words command(const std::string& run, const Words& more) const {
    Words words = {"--model", "mlp",      "--batch-size", "64",    "--save-every",
                   "50",      "--epochs", "20",           "--out", (folder_.path() / run).string()};
    words.insert(words.end(), more.begin(), more.end());
    return train_command(0, words);
  }
  std::vector<int64_t> steps(const std::string& run) const {
    return CheckpointStore::steps(folder_.path() / run / "checkpoints");
  }
  fs::path folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

// As if pids.max were reached during a run.
TEST_F(Exhaustion, WithoutThreadsSavesAreDoneByTheTraining) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  const fs::path condition = folder() / "no more threads";
  Process job(with_faults("pthread_create=EAGAIN", command("run", {}), condition));
  ASSERT_TRUE(job.wait_for("epoch 2/", 60)) << job.output();
  write_text_file(condition, "");
  const ProgramResult result = job.wait(60);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const std::string warning = "cannot start a thread to save the checkpoint of step";
  EXPECT_THAT(result.output, HasSubstr(warning));
  EXPECT_EQ(result.output.find(warning), result.output.rfind(warning)) << "once";
  EXPECT_THAT(steps("run"), Contains(1280));
  ASSERT_EQ(run_program(command("undisturbed", {})).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", folder() / "run", folder() / "undisturbed"}).output,
            "identical\n");
}

// Otherwise the system would kill the job without a message.
TEST_F(Exhaustion, AFileSizeLimitIsAFailedSave) {
  Words words = command("run", {"--epochs", "1"});
  words[0] = bin_dir() / words[0];
  Words limited = {"bash", "-c", "ulimit -f 300; exec \"$@\"", "bash"};
  limited.insert(limited.end(), words.begin(), words.end());
  const ProgramResult result = run_program(limited);
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("checkpoint of step 50 was not saved: cannot write "),
                                   HasSubstr("File too large"), HasSubstr("epoch 1/1: loss"),
                                   HasSubstr("the last checkpoint could not be written")));
  const ProgramResult resumed =
      train(0, {"--resume", (folder() / "run").string(), "--max-steps", "3"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
}

}  // namespace
}  // namespace d2l::test
