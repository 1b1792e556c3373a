#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/stopped_threads.h"
#include "tests/support/support.h"

// A rank whose process lives and does not get on.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;

// The loader of rank 1 hangs twice: until rank 0 has warned, and without end.
TEST(Stall, WarnsOfARankThatHangsAndEndsTheJobAfterTheTimeout) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  Process job(train_command(3, {"--recipe", "lenet", "--epochs", "100000", "--stall-timeout", "6s",
                                "--out", run.string()}));
  ASSERT_TRUE(job.wait_for("epoch 2/", 60)) << job.output();
  const pid_t rank = processes_of("d2l-train", run.string()).at(1);  // mpirun starts them in order
  std::optional<StoppedThreads> loader;
  loader.emplace(rank, "d2l-loader");
  if (loader->count() == 0) GTEST_SKIP() << "threads cannot be stopped: no permission to trace";
  ASSERT_TRUE(job.wait_for("warning: rank 1 on ", 20)) << job.output();
  loader.reset();
  ASSERT_TRUE(job.wait_for("goes on, after ", 20)) << job.output();
  const std::string text =
      "rank 1 on [^ ]+ has been loading data for [5-9]\\.[0-9] s in step [0-9,]+; 2 ranks wait for "
      "it; last collective: [0-9,]+ \\(all-[^)]+\\)";
  EXPECT_THAT(job.output(), ContainsRegex("warning: " + text));
  EXPECT_THAT(job.output(), ContainsRegex("rank 1 on [^ ]+ goes on, after [5-9]\\.[0-9] s"));

  loader.emplace(rank, "d2l-loader");
  const ProgramResult result = job.wait(30);
  EXPECT_GT(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, ContainsRegex("error: (rank [12]: )?" + text +
                                           ", after step [0-9,]+; its state is saved in "));
  const std::string log = read_text_file(run / "log.txt");
  EXPECT_THAT(log, ContainsRegex("error: .*" + text + ", after step [0-9,]+; its state is "));
  std::vector<std::string> problems;
  EXPECT_TRUE(CheckpointStore::newest_valid(
      run / "checkpoints", [&](const std::string& problem) { problems.push_back(problem); }));
  EXPECT_THAT(problems, testing::IsEmpty());
}

}  // namespace
}  // namespace d2l::test
