#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "framework/base/rng.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/checkpoint/save_loop/loop_state.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// Runs the save loop, kills it `delay_us` after its first reported save, and returns the last step
// that it reported to be on disk.
int64_t save_until_killed(const std::filesystem::path& folder, int64_t first_step,
                          useconds_t delay_us) {
  std::string program = (bin_dir() / "checkpoint_save_loop").string();
  std::string first = std::to_string(first_step);
  int ends[2];
  check(pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe");
  pid_t child = fork();
  check(child >= 0, "cannot fork");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), folder.c_str(), first.c_str(), nullptr);
    _exit(127);
  }
  ::close(ends[1]);
  int64_t durable = -1;
  pollfd reported{ends[0], POLLIN, 0};
  poll(&reported, 1, 20000);
  usleep(delay_us);
  kill(child, SIGKILL);
  char line[21] = {};
  while (read(ends[0], line, 20) == 20) durable = std::atoll(line + 6);
  ::close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the loop ended by itself: " << status;
  return durable;
}

TEST(Kill, NothingThatWasReportedIsEverLost) {
  const int kills = setting("D2L_TEST_KILLS", 120);
  TemporaryFolder folder;
  int64_t step = 1;
  int unfinished = 0;
  bool best_reported = false;
  for (int kill = 0; kill < kills; ++kill) {
    auto delay = static_cast<useconds_t>(random_below({3, 4}, static_cast<uint64_t>(kill), 12000));
    int64_t durable = save_until_killed(folder.path(), step, delay);
    ASSERT_GE(durable, step) << "kill " << kill;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      unfinished += entry.path().extension() == ".tmp";
    std::string warning;
    auto found = CheckpointStore::newest_valid(
        folder.path(), [&](const std::string& message) { warning = message; });
    ASSERT_EQ(warning, "") << "kill " << kill;
    ASSERT_TRUE(found) << "kill " << kill;
    int64_t newest = found->snapshot.integers.at("progress/step");
    ASSERT_GE(newest, durable) << "kill " << kill;
    ASSERT_TRUE(is_loop_state(found->snapshot)) << "kill " << kill;
    ASSERT_GE(CheckpointStore::steps(folder.path()).size(), 1u);
    best_reported = best_reported || durable / 3 > (step - 1) / 3;  // every third is the best
    if (best_reported) {
      Snapshot best = read_checkpoint(folder.path() / "best.h5");
      ASSERT_TRUE(is_loop_state(best)) << "kill " << kill;
    }
    step = newest + 1;
  }
  std::cout << kills << " kills, " << unfinished << " of them in the middle of writing, "
            << step - 1 << " checkpoints\n";
  EXPECT_GT(unfinished, 10);
}

}  // namespace
}  // namespace d2l::test
