#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <csignal>
#include <memory>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/happens.h"
#include "tests/support/support.h"

// --also-save-to: a second copy of each checkpoint.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Copies : public testing::Test {
 protected:
  Words options(int64_t last_step, const Words& more = {}) const {
    return Words{"--model",        "mlp",
                 "--batch-size",   "64",
                 "--max-steps",    std::to_string(last_step),
                 "--save-every",   "4",
                 "--eval-every",   "8",
                 "--keep",         "2",
                 "--out",          run().string(),
                 "--also-save-to", copies().string()} +
           more;
  }
  // Trains to step 16 and returns what is printed.
  void train_16() const {
    const ProgramResult result = train(0, options(16));
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
  static ProgramResult resume(const fs::path& folder, const Words& more = {}, int ranks = 0) {
    return train(ranks, Words{"--resume", folder.string(), "--max-steps", "20"} + more);
  }
  static std::vector<int64_t> steps(const fs::path& folder) {
    return CheckpointStore::steps(folder / "checkpoints");
  }
  static fs::path checkpoint(const fs::path& folder, int64_t step) {
    return CheckpointStore::path_of(folder / "checkpoints", step);
  }
  static std::string difference(const fs::path& a, const fs::path& b) {
    return run_program({"d2l-ckpt", "diff", a.string(), b.string()}).output;
  }
  // A run that trains for long, in its second epoch.
  std::unique_ptr<Process> long_run() const {
    auto job = std::make_unique<Process>(
        train_command(0, options(1000000, {"--epochs", "1000", "--keep", "3"})));
    EXPECT_TRUE(job->wait_for("epoch 2/", 60)) << job->output();
    return job;
  }
  fs::path run() const { return folder_.path() / "run"; }
  fs::path copies() const { return folder_.path() / "copies"; }

 private:
  TemporaryFolder folder_;
};

TEST_F(Copies, AreThoseOfTheRun) {
  train_16();
  EXPECT_THAT(steps(run()), ElementsAre(12, 16));
  EXPECT_THAT(steps(copies()), ElementsAre(12, 16));
  EXPECT_EQ(difference(run(), copies()), "identical\n");
  EXPECT_TRUE(fs::exists(copies() / "checkpoints" / "best.h5"));
  EXPECT_FALSE(fs::exists(copies() / ".lock"));
  EXPECT_THAT(read_text_file(run() / "log.txt"),
              HasSubstr("saved a copy of the checkpoint of step 16 in " + copies().string()));
}

TEST_F(Copies, TheNewestOfBothPlacesIsUsedByAllRanks) {
  train_16();
  fs::remove(checkpoint(run(), 16));
  const ProgramResult result = resume(run(), {}, 2);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr(concat("the newest checkpoint is ", checkpoint(copies(), 16).string(),
                                     "; copied to ", checkpoint(run(), 16).string())),
                    HasSubstr("continuing after step 16")));
  EXPECT_EQ(difference(run(), copies()), "identical\n");
}

TEST_F(Copies, DamagedOnesAndOlderOnesAreNotUsed) {
  train_16();
  fs::remove(checkpoint(run(), 16));
  fs::resize_file(checkpoint(copies(), 16), 3000);
  const ProgramResult result = resume(run());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("damaged checkpoint " + copies().string()),
                                   HasSubstr("continuing after step 12 from " + run().string())));
}

TEST_F(Copies, ALostRunContinuesFromThem) {
  train_16();
  fs::remove_all(run());
  const ProgramResult refused = train(0, options(20, {"--resume", "auto"}));
  EXPECT_EQ(refused.exit_code, 2) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("continue that one with --resume " + copies().string()));
  EXPECT_FALSE(fs::exists(run()));
  const ProgramResult result = resume(copies());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("continuing after step 16"));
}

TEST_F(Copies, FoldersThatCannotBeTheirsAreRefused) {
  train_16();
  const auto refuses = [&](const Words& words, int exit_code, const std::string& complaint) {
    const ProgramResult result = train(0, Words{"--model", "mlp", "--max-steps", "1"} + words);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(complaint));
  };
  const std::string other = (copies().parent_path() / "other").string();
  refuses({"--out", other, "--also-save-to", copies().string()}, 2, "found run ");
  refuses({"--out", other, "--also-save-to", other + "/."}, 2, "apart from the run folder");
  refuses({"--out", other, "--also-save-to", other + "/x"}, 2, "apart from the run folder");
  fs::remove(copies() / "config.ini");
  refuses({"--out", other, "--also-save-to", copies().string()}, 2, "without config.ini");
  refuses({"--out", other, "--also-save-to", "/proc/copies"}, 1, "cannot make the folder /proc");
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(Copies, ARunGoesOnWithoutThemIfTheirFolderIsGoneForGood) {
  train_16();
  fs::remove_all(copies());
  write_text_file(copies(), "a file where the folder was");
  const ProgramResult result = resume(run());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("no copies of checkpoints are saved"));
  EXPECT_THAT(steps(run()), ElementsAre(16, 20));
}

TEST_F(Copies, TheirFolderMayVanishDuringTheRun) {
  const std::unique_ptr<Process> job = long_run();
  fs::rename(copies(), copies().string() + ".away");
  EXPECT_TRUE(job->wait_for("no more copies of checkpoints are saved", 20)) << job->output();
  const int64_t step = steps(run()).back();
  EXPECT_TRUE(happens([&] { return steps(run()).back() > step + 8; }, 20));
  job->send(SIGTERM);
  EXPECT_EQ(job->wait(30).exit_code, 75) << job->output();
  EXPECT_FALSE(fs::exists(copies()));
}

// The run folder's lock is then lost, so the job ends; the copies remain.
TEST_F(Copies, TheRunFolderMayVanishDuringTheRun) {
  const std::unique_ptr<Process> job = long_run();
  fs::rename(run(), run().string() + ".away");
  const ProgramResult result = job->wait(30);
  EXPECT_EQ(result.exit_code, 1) << result.output;
  const int64_t newest = steps(copies()).back();
  const ProgramResult resumed =
      train(0, {"--resume", copies().string(), "--max-steps", std::to_string(newest + 1)});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr(concat("continuing after step ", newest)));
}

// A folder that is read-only while the object lives.
class ReadOnly {
 public:
  explicit ReadOnly(fs::path folder) : folder_(std::move(folder)) {
    is_mounted_ = ::mount(folder_.c_str(), folder_.c_str(), nullptr, MS_BIND, nullptr) == 0;
    works_ = is_mounted_ && ::mount(nullptr, folder_.c_str(), nullptr,
                                    MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }
  ~ReadOnly() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  bool works() const { return works_; }

 private:
  fs::path folder_;
  bool is_mounted_ = false, works_ = false;
};

// As Linux makes a disk after errors.
TEST_F(Copies, TheDiskOfTheRunMayBecomeReadOnly) {
  const std::unique_ptr<Process> job = long_run();
  {
    const ReadOnly disk(run() / "checkpoints");
    if (!disk.works()) GTEST_SKIP() << "cannot mount a folder (needs root)";
    EXPECT_TRUE(job->wait_for("Read-only file system", 30)) << job->output();
    const int64_t newest = steps(copies()).back();
    EXPECT_TRUE(happens([&] { return steps(copies()).back() > newest; }, 30));
    EXPECT_LT(steps(run()).back(), steps(copies()).back());
  }
  job->send(SIGTERM);
  EXPECT_EQ(job->wait(30).exit_code, 75) << job->output();
  EXPECT_EQ(steps(run()).back(), steps(copies()).back());
}

}  // namespace
}  // namespace d2l::test
