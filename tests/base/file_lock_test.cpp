#include "framework/base/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/timer.h"
#include "tests/support/faults.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class FileLockTest : public testing::Test {
 protected:
  FileLock::Options options() {
    return {.beat = 50ms,
            .stale = 1000ms,
            .warn = [this](const std::string& text) { warn(text); },
            .lost = [this](const std::string& text) { lost_ = text; }};
  }
  // See WorksWithoutLocksOfTheFileSystem.
  void warn(const std::string& text) {
    if (text.find("this file system does not support locks") == std::string::npos)
      warnings_.push_back(text);
  }
  // A child that holds the lock until it is killed.
  pid_t holder() {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      FileLock lock(path_);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    return child;
  }
  void kill(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  // Writes the file like a holder on another machine that renewed it `age` ago.
  void write_as(const std::string& job, const std::string& restart, std::chrono::seconds age) {
    write_text_file(
        path_, concat("host = node7\nmachine = another\npid = 12\nstarted = 99\njob = ", job,
                      "\nrestart = ", restart, "\nsince = 2026-01-01 00:00:00\ntoken = 0123\n"));
    set_age(age);
  }
  void set_age(std::chrono::seconds age) {
    timespec then{};
    ::clock_gettime(CLOCK_REALTIME, &then);
    then.tv_sec -= age.count();
    const timespec times[] = {then, then};
    ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  }
  std::string refusal() {
    return message_of([&] { FileLock(path_, options()); });
  }
  bool eventually(const std::function<bool()>& condition) const {
    for (int i = 0; i < 500 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / ".lock";
  std::vector<std::string> warnings_;
  std::string lost_;
};

TEST_F(FileLockTest, NamesItsHolder) {
  setenv("SLURM_JOB_ID", "55", 1);
  const pid_t child = holder();
  unsetenv("SLURM_JOB_ID");
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr(concat(path_.string(), " is held by process ", child, " on ")),
                    HasSubstr(", job 55, since 20")));
  ::kill(child, SIGSTOP);
  EXPECT_THAT(refusal(), HasSubstr(" is held by process ")) << "a process that is stopped lives";
  kill(child);
}

TEST_F(FileLockTest, IsThereAsLongAsItIsHeld) {
  {
    const Timer timer;
    FileLock lock(path_, options());
    EXPECT_LT(timer.seconds(), 0.5);
    lock.check_held();
    EXPECT_EQ(read_lock_holder(path_).pid, std::to_string(::getpid()));
  }
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(FileLockTest, OfAProcessThatIsGoneIsNamedAndTakenOverAtOnce) {
  const pid_t child = holder();
  kill(child);
  EXPECT_TRUE(read_lock_holder(path_).is_known());
  const Timer timer;
  const FileLock next(path_, options());
  EXPECT_LT(timer.seconds(), 0.5);
  EXPECT_THAT(warnings_, ElementsAre(AllOf(HasSubstr(concat("held by process ", child, " on ")),
                                           HasSubstr(", which no longer exists: taken over"))));
}

// The process number was reused by another process: this one.
TEST_F(FileLockTest, KnowsReusedProcessNumbers) {
  LockHolder me = LockHolder::this_process();
  EXPECT_FALSE(me.is_gone());
  me.started = "1";
  EXPECT_TRUE(me.is_gone());
  write_text_file(path_, to_text(me));
  const FileLock lock(path_, options());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("which no longer exists: taken over")));
}

// Older versions left an empty file.
TEST_F(FileLockTest, AnEmptyFileIsNobodys) {
  write_text_file(path_, "");
  const FileLock lock(path_, options());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(FileLockTest, OfAnotherMachineIsTakenOverAfterSilence) {
  write_as("7", "0", 5000s);
  const Timer timer;
  const FileLock lock(path_, options());
  EXPECT_LT(timer.seconds(), 0.5);
  EXPECT_THAT(warnings_,
              ElementsAre(AllOf(HasSubstr("held by process 12 on node7, job 7, since 2026-01-01"),
                                HasSubstr("not renewed the file for 5000 s: taken over"))));
}

TEST_F(FileLockTest, OfAnotherMachineIsWatched) {
  write_as("-", "-", 0s);
  { const FileLock lock(path_, options()); }
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("waiting up to 1 s for it to renew the file"),
                                     HasSubstr("taken over")));

  write_as("-", "-", 0s);
  std::atomic<bool> stop = false;
  std::thread beats([&] {
    while (!stop) {
      ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
      std::this_thread::sleep_for(50ms);
    }
  });
  EXPECT_THAT(refusal(),
              HasSubstr("process 12 on node7, since 2026-01-01 00:00:00, which is running"));
  stop = true;
  beats.join();
}

// While the system's lock is held on another machine, a missing renewal proves nothing.
TEST_F(FileLockTest, OfAnotherMachineThatKeepsItLockedIsNotTakenOver) {
  write_as("-", "-", 5000s);
  const int elsewhere = ::open(path_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(elsewhere, LOCK_EX | LOCK_NB), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("process 12 on node7"), HasSubstr("remove the file")));
  fs::remove(path_);
  { const FileLock lock(path_, options()); }
  // Slurm restarts a job after it has given up the machine.
  write_as("55", "0", 0s);
  ::flock(elsewhere, LOCK_UN);
  ::close(elsewhere);
  const int again = ::open(path_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(again, LOCK_EX | LOCK_NB), 0);
  setenv("SLURM_JOB_ID", "55", 1);
  setenv("SLURM_RESTART_COUNT", "1", 1);
  {
    const FileLock lock(path_, options());
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("an earlier start of this job: taken over")));
    EXPECT_THAT(read_lock_holder(path_).describe(), HasSubstr(", job 55 (restart 1), since "));
  }
  unsetenv("SLURM_JOB_ID");
  unsetenv("SLURM_RESTART_COUNT");
  ::close(again);
}

TEST_F(FileLockTest, ALaterStartOfTheSameJobIsNotTakenOver) {
  LockHolder first, second;
  first.job = second.job = "55";
  first.restart = "9";
  second.restart = "10";
  EXPECT_TRUE(first.is_before(second));
  EXPECT_FALSE(second.is_before(first));
  second.job = "56";
  EXPECT_FALSE(first.is_before(second));
  first.job = second.job = "-";
  EXPECT_FALSE(first.is_before(second));
}

// A process that took over the lock because it considered this one dead keeps it.
TEST_F(FileLockTest, NoticesThatItWasTakenOver) {
  {
    FileLock lock(path_, options());
    write_as("-", "-", 0s);
    EXPECT_TRUE(eventually([&] { return !lost_.empty(); }));
    EXPECT_THAT(lost_, HasSubstr("was taken over by process 12 on node7"));
    std::this_thread::sleep_for(300ms);
    EXPECT_THAT(message_of([&] { lock.check_held(); }), HasSubstr("was taken over by process 12"));
  }
  EXPECT_EQ(read_lock_holder(path_).host, "node7");
}

TEST_F(FileLockTest, WhoWritesNoticesItToo) {
  FileLock::Options slow = options();
  slow.beat = 1h;
  FileLock lock(path_, slow);
  write_as("-", "-", 0s);
  std::this_thread::sleep_for(300ms);
  EXPECT_THAT(message_of([&] { lock.check_held(); }), HasSubstr("was taken over by process 12"));
  EXPECT_THAT(lost_, HasSubstr("was taken over by process 12"));
}

TEST_F(FileLockTest, NoticesThatItWasRemoved) {
  const FileLock lock(path_, options());
  fs::remove(path_);
  EXPECT_TRUE(eventually([&] { return !lost_.empty(); }));
  EXPECT_EQ(lost_, path_.string() + " was removed");
}

TEST_F(FileLockTest, ShowsSignsOfLife) {
  const FileLock lock(path_, options());
  set_age(5000s);
  const fs::file_time_type before = fs::last_write_time(path_);
  EXPECT_TRUE(eventually([&] { return fs::last_write_time(path_) > before; }));
}

TEST_F(FileLockTest, IsARegularFile) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "cannot write " + path_.string() + ": it is not a regular file");
}

// All tests except those about the system's locks.
TEST_F(FileLockTest, WorksWithoutLocksOfTheFileSystem) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  const ProgramResult result = run_program(
      with_faults("flock=ENOLCK", {"test_base",
                                   "--gtest_filter=FileLockTest.*-FileLockTest.WorksWithout*:"
                                   "FileLockTest.AnEmptyFile*:FileLockTest.*KeepsItLocked*"}));
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

// Runs it in a process of an unprivileged user, if possible; returns whether it returned true.
bool as_nobody(const fs::path& folder, const std::function<bool()>& action) {
  constexpr uid_t kNobody = 65534;
  fs::permissions(folder, fs::perms::all);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(2);
    ::_exit(action() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(FileLockTest, WithoutAThreadWhoWritesRenewsIt) {
  if (::getuid() != 0) GTEST_SKIP() << "cannot become another user (needs root)";
  EXPECT_TRUE(as_nobody(folder_.path(), [&] {
    const rlimit only_this{1, 1};
    ::setrlimit(RLIMIT_NPROC, &only_this);
    FileLock lock(path_, options());
    set_age(5000s);
    const fs::file_time_type before = fs::last_write_time(path_);
    std::this_thread::sleep_for(300ms);
    if (warnings_.size() != 1 || fs::last_write_time(path_) != before) return false;
    lock.check_held();
    return warnings_[0].find("is renewed only when something is written") != std::string::npos &&
           fs::last_write_time(path_) > before;
  }));
}

// As if its machine were cut off from the file system: another process will take over the lock.
TEST_F(FileLockTest, WhoCannotRenewItHasLostIt) {
  if (::getuid() != 0) GTEST_SKIP() << "cannot become another user (needs root)";
  std::thread cut_off([this] {
    eventually([&] { return fs::exists(path_) && fs::file_size(path_) > 0; });
    ::chown(path_.c_str(), 0, 0) == 0 ? fs::permissions(path_, fs::perms::none) : void();
  });
  EXPECT_TRUE(as_nobody(folder_.path(), [&] {
    const FileLock lock(path_, options());
    return eventually([&] { return !lost_.empty(); }) &&
           lost_.find(path_.string() + " could not be renewed for 1 s: ") == 0;
  }));
  cut_off.join();
}

TEST_F(FileLockTest, OfManyThatWantItOneHasIt) {
  std::atomic<int> holding = 0, most = 0, had = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) {
        try {
          const FileLock lock(path_);
          most = std::max(most.load(), ++holding);
          ++had;
          --holding;
        } catch (const Error&) {
          // another process has it
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_GT(had, 0);
}

}  // namespace
}  // namespace d2l::test
