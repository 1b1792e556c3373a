#include "framework/checkpoint/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "framework/base/files.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/file.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Store : public testing::Test {
 protected:
  std::function<void(const std::string&)> warn() {
    return [this](const std::string& message) { warnings_.push_back(message); };
  }
  CheckpointStore::Options options(int keep = 3) {
    return {.keep = keep, .pauses = {0.001, 0.001}, .warn = warn()};
  }
  std::vector<int64_t> steps() { return CheckpointStore::steps(folder_.path()); }
  std::optional<CheckpointStore::Found> newest() {
    return CheckpointStore::newest_valid(folder_.path(), warn());
  }
  void damage(const std::filesystem::path& path) {
    std::string bytes = bytes_of(path);
    bytes[bytes.size() - 5] ^= 1;
    put_bytes(path, bytes);
  }

  TemporaryFolder folder_;
  std::vector<std::string> warnings_;
};

TEST_F(Store, SavesAndFindsTheNewest) {
  CheckpointStore store(folder_.path() / "new" / "folder", options());
  EXPECT_FALSE(CheckpointStore::newest_valid(store.folder(), warn()));
  store.save(9, sample_snapshot(9));
  store.save(10, sample_snapshot(10));
  EXPECT_TRUE(store.wait());
  auto found = CheckpointStore::newest_valid(store.folder(), warn());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, store.folder() / "step-00000010.h5");
  EXPECT_TRUE(same(found->snapshot, sample_snapshot(10)));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(Store, TellsWhatIsOnDisk) {
  std::vector<std::string> told;
  CheckpointStore::Options with_saved = options();
  with_saved.saved = [&](int64_t step, bool is_best) {
    EXPECT_TRUE(std::filesystem::exists(CheckpointStore::path_of(folder_.path(), step)));
    EXPECT_EQ(std::filesystem::exists(folder_.path() / "best.h5"), is_best);
    told.push_back(concat(step, is_best ? " best" : ""));
  };
  CheckpointStore store(folder_.path(), with_saved);
  store.save(1, sample_snapshot(1));
  store.save(2, sample_snapshot(2), true);
  store.wait();
  EXPECT_THAT(told, ElementsAre("1", "2 best"));
  std::filesystem::remove(store.path_of(2));
  std::filesystem::create_directory(store.path_of(2));  // no file can get this name
  store.save(2, sample_snapshot(2));
  EXPECT_FALSE(store.wait());
  EXPECT_THAT(told, SizeIs(2));
}

TEST_F(Store, TheDestructorWaits) {
  {
    CheckpointStore store(folder_.path(), options());
    store.save(1, sample_snapshot(1));
  }
  EXPECT_TRUE(same(read_checkpoint(folder_.path() / "step-00000001.h5"), sample_snapshot(1)));
}

TEST_F(Store, AnAbsentFolderHasNone) {
  EXPECT_FALSE(CheckpointStore::newest_valid(folder_.path() / "absent", warn()));
  EXPECT_THAT(CheckpointStore::steps(folder_.path() / "absent"), IsEmpty());
}

TEST_F(Store, KeepsTheNewest) {
  CheckpointStore store(folder_.path(), options(3));
  for (int64_t step = 10; step <= 70; step += 10) store.save(step, sample_snapshot(step));
  store.wait();
  EXPECT_THAT(steps(), ElementsAre(50, 60, 70));
}

TEST_F(Store, StepsBeyondEightDigitsStayInOrder) {
  CheckpointStore store(folder_.path(), options(2));
  for (int64_t step : {99999998, 99999999, 100000000}) store.save(step, sample_snapshot(step));
  store.wait();
  EXPECT_THAT(steps(), ElementsAre(99999999, 100000000));
  EXPECT_TRUE(same(newest()->snapshot, sample_snapshot(100000000)));
}

TEST_F(Store, OtherFilesAreLeftAlone) {
  for (const char* name : {"step-1.h5", "step-x0000001.h5", "notes.txt", "step-00000001.h5.bak"})
    put_bytes(folder_.path() / name, "x");
  CheckpointStore store(folder_.path(), options(1));
  store.save(5, sample_snapshot(5));
  store.save(6, sample_snapshot(6));
  store.wait();
  EXPECT_THAT(steps(), ElementsAre(6));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "step-1.h5"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "step-00000001.h5.bak"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "notes.txt"));
}

TEST_F(Store, TheBestOutlivesItsStep) {
  CheckpointStore store(folder_.path(), options(1));
  store.save(1, sample_snapshot(1));
  store.save(2, sample_snapshot(2), true);
  store.wait();
  EXPECT_EQ(std::filesystem::hard_link_count(folder_.path() / "best.h5"), 2u);
  store.save(3, sample_snapshot(3));
  store.wait();
  EXPECT_THAT(steps(), ElementsAre(3));
  EXPECT_TRUE(same(read_checkpoint(folder_.path() / "best.h5"), sample_snapshot(2)));
  store.save(4, sample_snapshot(4), true);
  store.save(4, sample_snapshot(40), true);
  store.wait();
  EXPECT_TRUE(same(read_checkpoint(folder_.path() / "best.h5"), sample_snapshot(40)));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(Store, DamagedOnesAreNamedAndSkipped) {
  CheckpointStore store(folder_.path(), options());
  for (int64_t step : {1, 2, 3}) store.save(step, sample_snapshot(step));
  store.wait();
  damage(store.path_of(3));
  put_bytes(store.path_of(4), "");
  auto found = newest();
  ASSERT_TRUE(found);
  EXPECT_TRUE(same(found->snapshot, sample_snapshot(2)));
  ASSERT_THAT(warnings_, SizeIs(2));
  EXPECT_THAT(warnings_[0], HasSubstr("damaged checkpoint " + store.path_of(4).string()));
  EXPECT_THAT(warnings_[1], HasSubstr("damaged checkpoint " + store.path_of(3).string()));
}

TEST_F(Store, TheBestIsTheLastResort) {
  CheckpointStore store(folder_.path(), options(1));
  store.save(1, sample_snapshot(1), true);
  store.save(2, sample_snapshot(2));
  store.wait();
  damage(store.path_of(2));
  auto found = newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, folder_.path() / "best.h5");
  damage(folder_.path() / "best.h5");
  EXPECT_FALSE(newest());
}

TEST_F(Store, ResumingBelowADamagedStepKeepsWhatIsValid) {
  CheckpointStore store(folder_.path(), options(1));
  put_bytes(store.path_of(200), "damaged");
  store.save(150, sample_snapshot(150));
  store.wait();
  EXPECT_TRUE(same(newest()->snapshot, sample_snapshot(150)));
  store.save(200, sample_snapshot(200));
  store.wait();
  EXPECT_THAT(steps(), ElementsAre(200));
}

TEST_F(Store, LeftoversGo) {
  const std::vector<std::string> left = {
      "step-00000007.h5.tmp", "best.h5.tmp", unused_name_beside("step-00000007.h5"),
      unused_name_beside("step-00000007.h5"), unused_name_beside("best.h5")};
  const std::vector<std::string> others = {"mine.tmp", unused_name_beside("mine.h5"),
                                           "step-7.h5.tmp", "step-00000007.h5"};
  for (const std::string& name : left) put_bytes(folder_.path() / name, "unfinished");
  for (const std::string& name : others) put_bytes(folder_.path() / name, "another's");
  CheckpointStore store(folder_.path(), options());
  for (const std::string& name : left)
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / name)) << name;
  for (const std::string& name : others)
    EXPECT_TRUE(std::filesystem::exists(folder_.path() / name)) << name;
}

TEST_F(Store, AFailedSaveWarnsAndTheNextOneWorks) {
  CheckpointStore store(folder_.path() / "run", options());
  store.save(1, sample_snapshot(1));
  ASSERT_TRUE(store.wait());
  std::filesystem::rename(folder_.path() / "run", folder_.path() / "away");
  store.save(2, sample_snapshot(2));
  EXPECT_FALSE(store.wait());
  EXPECT_THAT(warnings_, ElementsAre(AllOf(HasSubstr("step 2 was not saved: cannot write"),
                                           HasSubstr("No such file or directory (3 attempts)"))));
  std::filesystem::rename(folder_.path() / "away", folder_.path() / "run");
  store.save(3, sample_snapshot(3));
  EXPECT_TRUE(store.wait());
  EXPECT_THAT(CheckpointStore::steps(store.folder()), ElementsAre(1, 3));
}

TEST_F(Store, AFailureThatPassesIsRetried) {
  // A folder blocks the file's name during the first two attempts.
  std::filesystem::path obstacle = folder_.path() / "step-00000001.h5";
  int looks = 0;
  CheckpointStore::Options retrying = options();
  retrying.check_held = [&] {
    if (++looks == 3) std::filesystem::remove_all(obstacle);
  };
  CheckpointStore store(folder_.path(), retrying);
  std::filesystem::create_directories(obstacle / "inside");
  store.save(1, sample_snapshot(1));
  EXPECT_TRUE(store.wait());
  EXPECT_THAT(warnings_, ElementsAre(AllOf(HasSubstr("step 1 was saved at attempt 3 only"),
                                           HasSubstr("it is a folder"))));
  EXPECT_TRUE(same(newest()->snapshot, sample_snapshot(1)));
}

// A save that fails for long must not hold up the training when the next one is due.
TEST_F(Store, TheNextSaveEndsThePausesAndWaitingDoesNot) {
  CheckpointStore::Options slow = options();
  slow.pauses = {0.2, 100};
  const Timer timer;
  {
    CheckpointStore store(folder_.path() / "run", slow);
    std::filesystem::create_directories(store.path_of(1) / "inside");
    store.save(1, sample_snapshot(1));
    store.save(2, sample_snapshot(2));
    EXPECT_TRUE(store.wait());
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("step 1 was not saved")));
    std::filesystem::create_directories(store.path_of(3) / "inside");
    store.save(3, sample_snapshot(3));  // its pauses end with the store
  }
  EXPECT_LT(timer.seconds(), 50);
  EXPECT_THAT(warnings_, SizeIs(2));

  slow.pauses = {0.2};
  CheckpointStore store(folder_.path() / "other", slow);
  std::filesystem::create_directories(store.path_of(1) / "inside");
  const Timer waiting;
  store.save(1, sample_snapshot(1));
  EXPECT_FALSE(store.wait());
  EXPECT_GE(waiting.seconds(), 0.2);
}

TEST_F(Store, AFullDiskKeepsTheOlderOnes) {
  SmallDisk disk(folder_.path(), "size=256k");
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system (needs root)";
  CheckpointStore store(folder_.path(), options());
  store.save(1, sample_snapshot(1));
  ASSERT_TRUE(store.wait());
  Snapshot large;
  large.arrays["w"] = ramp({100000});
  store.save(2, large);
  EXPECT_FALSE(store.wait());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("No space left on device")));
  store.save(3, sample_snapshot(3));
  EXPECT_TRUE(store.wait());
  EXPECT_THAT(steps(), ElementsAre(1, 3));
}

TEST_F(Store, CopiesAreSavedAlsoIfTheFirstPlaceFailsAndTheOtherWayRound) {
  CheckpointStore copies(folder_.path() / "copies", options(1));
  CheckpointStore::Options with_copies = options(2);
  with_copies.copies = &copies;
  CheckpointStore store(folder_.path() / "run", with_copies);
  std::filesystem::create_directories(store.path_of(3) / "inside");
  std::filesystem::create_directories(copies.path_of(4) / "inside");
  for (int64_t step : {1, 2, 3, 4}) {
    store.save(step, sample_snapshot(step), step == 2);
    EXPECT_EQ(store.wait(), step != 3) << "its own file decides";
  }
  EXPECT_TRUE(same(read_checkpoint(store.path_of(4)), sample_snapshot(4)));
  EXPECT_TRUE(same(read_checkpoint(copies.path_of(3)), sample_snapshot(3)));
  EXPECT_FALSE(std::filesystem::exists(copies.path_of(2))) << "it keeps one";
  for (const CheckpointStore* each : {&store, &copies})
    EXPECT_TRUE(same(read_checkpoint(each->folder() / "best.h5"), sample_snapshot(2)));
  EXPECT_THAT(
      warnings_,
      ElementsAre(HasSubstr("step 3 was not saved: cannot write " + store.path_of(3).string()),
                  HasSubstr("step 4 was not saved: cannot write " + copies.path_of(4).string())));
}

TEST_F(Store, LaterStepsOnly) {
  CheckpointStore store(folder_.path(), options());
  for (int64_t step : {1, 2, 3}) store.save(step, sample_snapshot(step), true);
  store.wait();
  damage(store.path_of(3));
  const auto after = [&](int64_t step) {
    return CheckpointStore::newest_valid(
        folder_.path(), warn(), [](const auto&) {}, step);
  };
  EXPECT_EQ(after(1)->path, store.path_of(2));
  EXPECT_FALSE(after(2));
}

TEST_F(Store, RefusesWhatCannotWork) {
  EXPECT_THAT(message_of([&] { CheckpointStore(folder_.path(), options(0)); }),
              HasSubstr("at least 1 file, found 0"));
  put_bytes(folder_.path() / "file", "x");
  EXPECT_THAT(message_of([&] { CheckpointStore(folder_.path() / "file" / "run", options()); }),
              HasSubstr("Not a directory"));
  CheckpointStore store(folder_.path(), options());
  EXPECT_THAT(message_of([&] { store.save(-1, {}); }), HasSubstr("must not be negative"));
}

TEST_F(Store, SavingDoesNotHoldUpTheCaller) {
  // The save blocks until the caller has returned.
  std::promise<void> back;
  bool caller_was_back = false;
  CheckpointStore::Options blocking = options();
  blocking.check_held = [&, returned = back.get_future().share()] {
    caller_was_back = returned.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  };
  CheckpointStore store(folder_.path(), blocking);
  store.save(1, sample_snapshot(1));
  EXPECT_FALSE(std::filesystem::is_regular_file(store.path_of(1)));
  back.set_value();
  EXPECT_TRUE(store.wait());
  EXPECT_TRUE(caller_was_back);
  EXPECT_TRUE(std::filesystem::is_regular_file(store.path_of(1)));
}

}  // namespace
}  // namespace d2l::test
