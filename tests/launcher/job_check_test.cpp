#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "framework/base/error.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// --check, and run folders that not all ranks see.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

TEST(JobCheck, ShowsWhatAJobWouldWorkWith) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const ProgramResult result = train(2, {"--recipe", "lenet", "--out", run, "--check"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, ContainsRegex("lenet, 61,706 parameters; synthetic, .* 2 ranks"));
  EXPECT_THAT(result.output, ContainsRegex("\n1 +[^ ]+ +[0-9,-]+ +1 +[0-9]+ +CPU, "));
  EXPECT_THAT(result.output, ContainsRegex("\nOpen MPI v[0-9.]+\n"));
  EXPECT_THAT(result.output,
              ContainsRegex("all-reduce of the gradients .241.2 KiB.: [0-9.]+ ms, "));
  EXPECT_THAT(result.output, HasSubstr(concat("run folder: ", run.string(), ", new; ")));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(JobCheck, FindsWhatIsWrong) {
  const TemporaryFolder folder;
  const std::pair<Words, const char*> cases[] = {
      {{"--recipe", "lenet", "--batch-size", "1", "--check"}, "--batch-size is the global batch"},
      {{"--recipe", "lenet", "--check", "5"}, "unexpected word '5'"},
      {{"--recipe", "lenet", "--out", "/proc/run", "--check"}, "/proc: cannot write there"},
  };
  for (const auto& [options, message] : cases) {
    const ProgramResult result = train(2, options);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.output, HasSubstr(message));
  }
}

// The second rank has a file system of its own in the place of the folder.
TEST(JobCheck, RefusesARunFolderThatNotAllRanksSee) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting a file system needs root";
  const ProgramResult can = run_program({"/usr/bin/unshare", "-m", "true"});
  if (can.exit_code != 0) GTEST_SKIP() << "no mount namespaces here: " << can.output;
  const TemporaryFolder folder;
  const std::string command =
      concat((bin_dir() / "d2l-train").string(), " --recipe lenet --data synthetic --threads 1 ",
             "--max-steps 2 --out ", (folder.path() / "run").string());
  Words words = on_ranks(1, {"/bin/sh", "-c", "exec " + command});
  for (const char* word : {":", "-n", "1", "unshare", "-m", "/bin/sh", "-c"})
    words.emplace_back(word);
  words.push_back(concat("mount -t tmpfs none ", folder.path().string(), " && exec ", command));
  const ProgramResult result = run_program(words);
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("expected a run folder that all ranks share, found "));
}

}  // namespace
}  // namespace d2l::test
