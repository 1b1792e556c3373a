#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "framework/base/files.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/faults.h"
#include "tests/support/program.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

// Folders of checkpoints on full disks and on machines at their limits, and files whose names do
// not match their content.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A state of about 100 KB.
Snapshot large_snapshot(int64_t step) {
  Snapshot snapshot = sample_snapshot(step);
  snapshot.arrays["parameters/large"] = ramp({25000}, static_cast<float>(step));
  return snapshot;
}

// With room for three and a half of them.
class SmallStore : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "cannot mount a small file system (needs root)";
    ASSERT_GT(fs::space(folder_.path()).available, 3 * kBytes);
    ASSERT_LT(fs::space(folder_.path()).available, 4 * kBytes);
  }
  CheckpointStore::Options options() {
    return {.keep = 9, .pauses = {0.001}, .warn = [this](const std::string& text) {
              warnings_.push_back(text);
            }};
  }
  void save(CheckpointStore& store, int64_t step, bool best = false) {
    store.save(step, large_snapshot(step), best);
    EXPECT_TRUE(store.wait()) << step;
  }
  std::vector<int64_t> steps() const { return CheckpointStore::steps(folder_.path()); }
  fs::path path(int64_t step) const { return CheckpointStore::path_of(folder_.path(), step); }
  fs::path best() const { return folder_.path() / "best.h5"; }

  static constexpr uintmax_t kBytes = 115'000;
  TemporaryFolder folder_;
  SmallDisk disk_{folder_.path(), "size=400k"};
  std::vector<std::string> warnings_;
};

TEST_F(SmallStore, TheOldestMakeRoom) {
  CheckpointStore store(folder_.path(), options());
  for (int64_t step : {10, 20, 30, 40, 50}) save(store, step);
  EXPECT_THAT(steps(), ElementsAre(30, 40, 50));
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("from now on older checkpoints are removed before")));
  EXPECT_TRUE(same(read_checkpoint(path(50)), large_snapshot(50)));
}

// Removing one of two names frees no space; best.h5 is removed last.
TEST_F(SmallStore, TheBestGoesLast) {
  CheckpointStore store(folder_.path(), options());
  save(store, 10, true);
  for (int64_t step : {20, 30, 40, 50}) save(store, step);
  EXPECT_THAT(steps(), ElementsAre(40, 50));
  EXPECT_TRUE(same(read_checkpoint(best()), large_snapshot(10)));

  fs::remove(path(40));
  write_text_file(folder_.path() / "filler", std::string(100'000, 'x'));
  save(store, 60);
  EXPECT_THAT(steps(), ElementsAre(50, 60));
  EXPECT_FALSE(fs::exists(best()));
}

TEST_F(SmallStore, TheNewestValidOneStaysWhateverHappens) {
  {
    CheckpointStore store(folder_.path(), options());
    for (int64_t step : {10, 20, 30}) save(store, step);
  }
  fs::resize_file(path(30), fs::file_size(path(30)) - 1);  // damaged: 20 is the newest valid one
  CheckpointStore store(folder_.path(), options());
  Snapshot too_large = sample_snapshot(40);
  too_large.arrays["parameters/large"] = ramp({80000});
  store.save(40, too_large);
  EXPECT_FALSE(store.wait());
  EXPECT_THAT(steps(), ElementsAre(20));
  EXPECT_THAT(warnings_, testing::Contains(HasSubstr("step 40 was not saved: cannot write ")));
  EXPECT_TRUE(same(read_checkpoint(path(20)), large_snapshot(20)));
  save(store, 50);
}

TEST_F(SmallStore, WhatTheRunGoesOnFromStaysAndLaterOnesAreNotJudged) {
  {
    CheckpointStore store(folder_.path(), options());
    for (int64_t step : {10, 20, 900}) save(store, step);
  }
  CheckpointStore::Options going_on = options();
  going_on.newest = path(10);
  CheckpointStore store(folder_.path(), going_on);
  save(store, 30);
  EXPECT_THAT(steps(), ElementsAre(10, 30, 900));
  save(store, 40);
  EXPECT_THAT(steps(), ElementsAre(30, 40, 900));
}

TEST(StoreNames, AFileThatHoldsAnotherStepIsNamedAndSkipped) {
  TemporaryFolder folder;
  std::vector<std::string> warnings;
  write_checkpoint(CheckpointStore::path_of(folder.path(), 10), sample_snapshot(10));
  write_checkpoint(CheckpointStore::path_of(folder.path(), 20), sample_snapshot(10));
  const auto found = CheckpointStore::newest_valid(
      folder.path(), [&](const std::string& text) { warnings.push_back(text); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, CheckpointStore::path_of(folder.path(), 10));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("step-00000020.h5: expected the state of step 20, "
                                              "found that of step 10; skipped")));
}

TEST(StoreNames, FilesThatAreNoneAreNamedAndNotWaitedFor) {
  TemporaryFolder folder;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  write_checkpoint(CheckpointStore::path_of(folder.path(), 10), sample_snapshot(10));
  ASSERT_EQ(::mkfifo(CheckpointStore::path_of(folder.path(), 30).c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", CheckpointStore::path_of(folder.path(), 20));
  const auto found = CheckpointStore::newest_valid(folder.path(), warn);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->snapshot.integers.at("progress/step"), 10);
  EXPECT_THAT(warnings,
              ElementsAre(HasSubstr("step-00000030.h5: it is not a regular file; skipped"),
                          HasSubstr("step-00000020.h5: it is not a regular file; skipped")));
  // They are not replaced either.
  CheckpointStore store(folder.path(), {.pauses = {}, .warn = warn});
  store.save(30, sample_snapshot(30));
  EXPECT_FALSE(store.wait());
  EXPECT_TRUE(fs::is_fifo(CheckpointStore::path_of(folder.path(), 30)));
}

TEST(StoreHeld, NothingIsWrittenIntoAFolderThatIsAnotherJobs) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path(),
                        {.pauses = {}, .check_held = [] { fail("it was taken over"); }});
  store.save(1, sample_snapshot(1));
  EXPECT_FALSE(store.wait());
  EXPECT_THAT(CheckpointStore::steps(folder.path()), IsEmpty());
}

// A process that is suspended while it writes a checkpoint and continues after another took over
// its folder.
TEST(StoreHeld, NothingTakesItsNameInAFolderThatHasBecomeAnotherJobs) {
  TemporaryFolder folder;
  int looks = 0;
  CheckpointStore store(folder.path(), {.pauses = {0.001}, .check_held = [&] {
                                          check(++looks % 2 == 1, "it was taken over");
                                        }});
  store.save(1, sample_snapshot(1));
  EXPECT_FALSE(store.wait());
  EXPECT_EQ(looks, 4) << "two attempts";
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

// The steps that remain of steps 1 to 6 of the kill test's loop, with failing system calls.
std::vector<int64_t> save_with_faults(const fs::path& folder, const std::string& faults) {
  const ProgramResult loop =
      run_program(with_faults(faults, {"checkpoint_save_loop", folder.string(), "1", "6"}), 20);
  EXPECT_EQ(loop.exit_code, 0) << faults;
  return CheckpointStore::steps(folder);
}

TEST(StoreFaults, WithoutAThreadTheCallerSaves) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  TemporaryFolder folder;
  EXPECT_THAT(save_with_faults(folder.path(), "pthread_create=EAGAIN"), ElementsAre(5, 6));
}

TEST(StoreFaults, WithoutHardLinksTheBestIsACopy) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  TemporaryFolder folder;
  EXPECT_THAT(save_with_faults(folder.path(), "link=EPERM"), ElementsAre(5, 6));
  const Snapshot best = read_checkpoint(folder.path() / "best.h5");
  EXPECT_EQ(best.integers.at("progress/step"), 6);
  EXPECT_EQ(fs::hard_link_count(folder.path() / "best.h5"), 1u);
}

TEST(StoreFaults, FileSystemsThatCannotSyncFoldersWillDo) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  for (const char* faults : {"fsync_folder=EINVAL", "fsync_folder=EOPNOTSUPP"}) {
    TemporaryFolder folder;
    EXPECT_THAT(save_with_faults(folder.path(), faults), ElementsAre(5, 6)) << faults;
  }
  TemporaryFolder folder;
  const ProgramResult failing = run_program(
      with_faults("fsync_folder=EIO", {"checkpoint_save_loop", folder.path(), "1"}), 20);
  EXPECT_EQ(failing.exit_code, 1) << "an error of the disk is none of the file system's limits";
}

}  // namespace
}  // namespace d2l::test
