#include "framework/base/last_words.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <functional>

#include "framework/base/files.h"
#include "framework/base/log.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Runs `body` in another process; returns the status of waitpid().
int in_a_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

class LastWordsTest : public testing::Test {
 protected:
  LastWordsTest() { Log().open(path_); }

  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::istringstream stream(read_text_file(path_));
    for (std::string line; std::getline(stream, line);) found.push_back(line);
    return found;
  }
  void note(const std::string& text) const {
    Log log;
    log.open(path_);
    log.note(text);
  }

  const test::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "log.txt";
};

TEST_F(LastWordsTest, AreALineOfTheLog) {
  LastWords words("rank 3 on node7: ");
  words.belong_to(path_);
  note("step 1");
  const std::time_t before = std::time(nullptr);
  EXPECT_TRUE(words.say("no\nluck"));
  const auto found = lines();
  ASSERT_EQ(found.size(), 2u);
  std::tm parts{};
  ASSERT_NE(strptime(found[1].c_str(), "%F %T ", &parts), nullptr) << found[1];
  parts.tm_isdst = -1;
  EXPECT_NEAR(static_cast<double>(std::mktime(&parts)), static_cast<double>(before), 2);
  EXPECT_THAT(found[1], EndsWith(" error: rank 3 on node7: no luck"));
}

TEST_F(LastWordsTest, TheFirstStay) {
  LastWords words, others("rank 1 on node7: ");
  words.belong_to(path_);
  others.belong_to(path_);
  EXPECT_TRUE(others.say("first"));
  EXPECT_FALSE(words.say("second"));
  const auto found = lines();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], EndsWith("error: rank 1 on node7: first"));
}

// The other ranks may continue for a while before they notice.
TEST_F(LastWordsTest, BecomeTheLastLineAgain) {
  LastWords words, others("rank 1 on node7: ");
  words.belong_to(path_);
  others.belong_to(path_);
  others.say("first");
  note("step 2");
  EXPECT_FALSE(words.say("second"));
  EXPECT_THAT(lines().back(), EndsWith(" error: rank 1 on node7: first"));
  EXPECT_EQ(lines().size(), 3u);
}

// The log of a resumed run ends with the reason why it ended before.
TEST_F(LastWordsTest, OfAnEarlierJobDoNotCount) {
  {
    LastWords words;
    words.belong_to(path_);
    words.say("earlier");
  }
  LastWords words;
  words.belong_to(path_);
  EXPECT_TRUE(words.say("now"));
  EXPECT_THAT(lines().back(), EndsWith("error: now"));
}

TEST_F(LastWordsTest, WithoutALogNothingHappens) {
  LastWords words;
  EXPECT_TRUE(words.say("nobody hears"));
  words.belong_to(folder_.path() / "missing");
  EXPECT_TRUE(words.say("nobody hears"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "missing"));
}

TEST_F(LastWordsTest, ASignalIsNamedWithItsSenderAndStillEndsTheProcess) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGXCPU}) {
    const pid_t parent = getpid();
    const int status = in_a_child([&] {
      LastWords words("rank 2 on node7: ");
      words.belong_to(path_);
      if (fork() == 0) {
        kill(getppid(), signal);
        _exit(0);
      }
      for (;;) pause();
    });
    EXPECT_EQ(parent, getpid());
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_THAT(lines().back(), HasSubstr(std::string(" error: rank 2 on node7: ended by SIG") +
                                          sigabbrev_np(signal) + ", sent by process "));
    EXPECT_THAT(lines().back(), EndsWith(" (test_base)"));
  }
}

TEST_F(LastWordsTest, ACrashIsNamedAtOnce) {
  const int status = in_a_child([&] {
    LastWords words("", 60'000);
    words.belong_to(path_);
    raise(SIGSEGV);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
  EXPECT_THAT(lines().back(), HasSubstr(" error: ended by SIGSEGV"));
}

// A process with patience lets another one report.
TEST_F(LastWordsTest, AfterASignalToAllOneSpeaks) {
  in_a_child([&] {
    LastWords words("rank 1 on node7: ", 300);
    words.belong_to(path_);
    if (fork() == 0) {
      note("error: by another one");
      _exit(0);
    }
    raise(SIGTERM);
  });
  EXPECT_THAT(lines().back(), EndsWith(" error: by another one"));
}

TEST_F(LastWordsTest, SignalsThatWereIgnoredStayIgnored) {
  const int status = in_a_child([&] {
    signal(SIGHUP, SIG_IGN);
    LastWords words;
    words.belong_to(path_);
    raise(SIGHUP);
  });
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_TRUE(lines().empty());
}

TEST_F(LastWordsTest, AreOverWithTheObject) {
  const int status = in_a_child([&] {
    { LastWords().belong_to(path_); }
    raise(SIGTERM);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
  EXPECT_TRUE(lines().empty());
}

}  // namespace
}  // namespace d2l
