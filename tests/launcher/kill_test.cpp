#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "framework/base/files.h"
#include "framework/base/rng.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/happens.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

// Kills whole jobs and checks what remains.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::vector<pid_t> wait_for_ranks(const fs::path& run, size_t count) {
  Timer timer;
  std::vector<pid_t> found;
  while (found.size() < count && timer.seconds() < 20)
    found = processes_of("d2l-train", run.string());
  return found;
}

void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

const Words kShortRun = {"--recipe",    "bn-lenet", "--batch-size", "64",  "--epochs",     "3",
                         "--momentum",  "0.9",      "--lr",         "0.1", "--save-every", "3",
                         "--log-every", "5"};

// The command that starts the run or, with `resume`, resumes it.
Words command(const fs::path& run, bool resume) {
  Words words = {"--resume", run.string()};
  if (!resume) {
    words = kShortRun;
    words.insert(words.end(), {"--out", run.string()});
  }
  return train_command(2, words);
}

// Repeated kill -9 of all ranks at random moments of start, training and saving: the final state
// equals that of an undisturbed run.
TEST(Kill, AllRanksAtAnyMomentLosesNothing) {
  TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  Timer undisturbed;
  ASSERT_EQ(run_program(command(whole, false)).exit_code, 0);
  const double longest = 0.6 * undisturbed.seconds();

  const int wanted = setting("D2L_TEST_KILLS", 12);
  int kills = 0, stuck = 0, finished = 0, fresh = 0;
  for (uint64_t attempt = 0; kills < wanted || finished == 0; ++attempt) {
    const fs::path run = folder.path() / std::to_string(finished);
    const bool resume = fs::exists(run / "config.ini");
    fresh += !resume;
    Process job(command(run, resume));
    std::vector<pid_t> ranks = wait_for_ranks(run, 2);
    if (kills < wanted) {
      pause(longest * random_uniform({5, 6}, attempt));
      ranks = processes_of("d2l-train", run.string());
      for (pid_t rank : ranks) kill(rank, SIGKILL);
    }
    // An mpirun whose ranks die before they have connected to it may wait forever: it is killed
    // too.
    const ProgramResult result = job.wait(kills < wanted ? 3 : 60);
    if (result.exit_code != 0) {
      ASSERT_GT(ranks.size(), 0u) << "it ended by itself: " << result.output;
      ++kills;
      stuck += result.timed_out;
      CheckpointStore::newest_valid(run / "checkpoints", [&](const std::string& warning) {
        ADD_FAILURE() << "kill " << kills << ": " << warning;
      });
      continue;
    }
    const ProgramResult diff = run_program({"d2l-ckpt", "diff", whole.string(), run.string()});
    ASSERT_EQ(diff.output, "identical\n") << "after " << kills << " kills";
    EXPECT_EQ(losses(run), losses(whole));
    for (const auto& entry : fs::recursive_directory_iterator(run)) {
      EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
      EXPECT_NE(entry.path().filename(), ".lock");
    }
    ++finished;
  }
  std::cout << kills << " kills, in " << stuck << " of them mpirun had to be killed too; " << fresh
            << " starts from nothing, " << finished << " finished runs\n";
}

// The newest step that the log says to be on disk; -1: none.
int64_t reported(const fs::path& run) {
  std::error_code ignored;
  const fs::path file = run / "log.txt";
  const std::string text = fs::exists(file, ignored) ? read_text_file(file) : "";
  const std::string before = "saved the checkpoint of step ";
  const size_t at = text.rfind(before);
  return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + before.size());
}

// kill -9 of mpirun and all ranks while each step is saved: what was reported is there, and whole.
TEST(Kill, WholeJobsDuringSavesLoseNothing) {
  TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole", run = folder.path() / "run";
  const int wanted = setting("D2L_TEST_KILLS", 2);
  const Words more = {"--save-every", "1",   "--max-steps", std::to_string(20 + 30 * wanted),
                      "--epochs",     "1000"};
  ASSERT_EQ(run_program(command(whole, false) + more, 1000).exit_code, 0);
  int unfinished = 0;
  for (int kills = 0; kills < wanted; ++kills) {
    const int64_t before = reported(run);
    Process job(command(run, fs::exists(run / "config.ini")) + more);
    ASSERT_TRUE(happens([&] { return reported(run) > before; }, 60)) << job.output();
    pause(0.05 * random_uniform({7, 8}, static_cast<uint64_t>(kills)));
    job.send(SIGKILL);  // to mpirun
    for (const pid_t rank : processes_of("d2l-train", run.string())) kill(rank, SIGKILL);
    job.wait(20);
    ASSERT_TRUE(happens([&] { return processes_of("d2l-train", run.string()).empty(); }, 20));
    for (const auto& entry : fs::directory_iterator(run / "checkpoints"))
      unfinished += entry.path().extension() == ".tmp";
    const auto found = CheckpointStore::newest_valid(
        run / "checkpoints", [&](const std::string& warning) { ADD_FAILURE() << warning; });
    ASSERT_TRUE(found);
    ASSERT_GE(found->snapshot.integers.at("progress/step"), reported(run)) << "kill " << kills;
  }
  EXPECT_EQ(run_program(command(run, true) + more, 1000).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole.string(), run.string()}).output, "identical\n");
  std::cout << wanted << " kills, " << unfinished << " unfinished files\n";
}

TEST(Kill, OneRankEndsTheJobAndIsNamed) {
  for (int victim : {0, 2}) {
    TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    Process job(train_command(3, {"--recipe", "lenet", "--epochs", "1000", "--out", run.string()}));
    ASSERT_TRUE(job.wait_for("epoch 2/", 60)) << job.output();
    const std::vector<pid_t> ranks = processes_of("d2l-train", run.string());
    ASSERT_EQ(ranks.size(), 3u);
    Timer timer;
    // mpirun starts them in order
    kill(ranks[static_cast<size_t>(victim)], SIGKILL);
    const ProgramResult result = job.wait(30);
    EXPECT_LT(timer.seconds(), 2);
    EXPECT_FALSE(result.timed_out);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.output, HasSubstr("process rank " + std::to_string(victim)));
    pause(0.1);
    EXPECT_TRUE(processes_of("d2l-train", run.string()).empty()) << "a rank is left";
    EXPECT_TRUE(CheckpointStore::newest_valid(run / "checkpoints", [](const std::string&) {}));
  }
}

}  // namespace
}  // namespace d2l::test
