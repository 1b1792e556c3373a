#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "framework/base/timer.h"
#include "framework/launch/child_process.h"
#include "framework/launch/leftovers.h"
#include "framework/launch/signal_queue.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l::launch {
namespace {

using Words = std::vector<std::string>;
using testing::ElementsAre;
using testing::IsEmpty;

struct Ended {
  int code = -1;  // -1: it has not ended in time
  Words output, errors;
};

// Reads a program's output until its end, for at most 20 seconds.
Ended run(ChildProcess& process) {
  Ended ended;
  const Timer timer;
  const auto read = [](LineReader& reader, Words& lines) {
    for (std::string& line : reader.read_lines()) lines.push_back(std::move(line));
  };
  while (timer.seconds() < 20) {
    pollfd sources[] = {{process.output().descriptor(), POLLIN, 0},
                        {process.errors().descriptor(), POLLIN, 0}};
    poll(sources, 2, 10);
    read(process.output(), ended.output);
    read(process.errors(), ended.errors);
    const bool open = process.output().descriptor() >= 0 || process.errors().descriptor() >= 0;
    if (process.exit_code() && !open) break;
  }
  ended.code = process.exit_code().value_or(-1);
  return ended;
}

Ended run_shell(const std::string& script, const ChildProcess::Variables& variables = {}) {
  ChildProcess process({"sh", "-c", script}, variables);
  return run(process);
}

// Dead processes may remain as zombies for a while.
bool lives(pid_t process) {
  std::ifstream stream("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(stream, text);
  const size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end, 3, ") Z") != 0;
}

bool ends_within(pid_t process, double seconds) {
  for (const Timer timer; timer.seconds() < seconds;) {
    if (!lives(process)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(ChildProcess, StreamsAreReadApart) {
  const Ended ended = run_shell("echo a; echo x >&2; echo; echo b; exit 7");
  EXPECT_EQ(ended.code, 7);
  EXPECT_THAT(ended.output, ElementsAre("a", "", "b"));
  EXPECT_THAT(ended.errors, ElementsAre("x"));
}

TEST(ChildProcess, ALineBreakMayBeMissing) {
  EXPECT_THAT(run_shell("echo a; printf b").output, ElementsAre("a", "b"));
  EXPECT_THAT(run_shell("").output, IsEmpty());
}

TEST(ChildProcess, FloodsAreReadCompletely) {
  const Ended ended = run_shell("seq 200000; head -c 2500000 /dev/zero | tr '\\0' y");
  ASSERT_EQ(ended.output.size(), 200003u);  // the last line is too long and comes in three parts
  EXPECT_EQ(ended.output[199999], "200000");
  EXPECT_EQ(ended.output[200000].size() + ended.output[200001].size() + ended.output[200002].size(),
            2500000u);
}

TEST(ChildProcess, ClosedStreamsAreNotTheEnd) {
  const Timer timer;
  EXPECT_EQ(run_shell("exec >&- 2>&-; sleep 0.3; exit 5").code, 5);
  EXPECT_GE(timer.seconds(), 0.3);
}

TEST(ChildProcess, HasAnEnvironmentAndNoInput) {
  EXPECT_THAT(run_shell("echo $D2L_TEST; cat", {{"D2L_TEST", "a b"}}).output, ElementsAre("a b"));
  EXPECT_EQ(std::getenv("D2L_TEST"), nullptr);
}

TEST(ChildProcess, ReportsSignalsAndMissingPrograms) {
  EXPECT_EQ(run_shell("kill -9 $$").code, 137);
  ChildProcess process({"sleep", "30"});
  process.send(SIGUSR1);
  EXPECT_EQ(run(process).code, 128 + SIGUSR1);
  EXPECT_EQ(test::message_of([] { ChildProcess({"/nowhere/x"}); }),
            "cannot start /nowhere/x: No such file or directory");
}

TEST(ChildProcess, TheRestOfItsGroupEndsWithIt) {
  const Ended ended = run_shell("sleep 30 & echo $!");
  EXPECT_EQ(ended.code, 0);
  ASSERT_EQ(ended.output.size(), 1u);
  EXPECT_TRUE(ends_within(std::stoi(ended.output[0]), 2));
}

TEST(ChildProcess, EndsWithThisProcess) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    ChildProcess process({"sh", "-c", "echo $$; exec sleep 30"});
    Words lines;
    while (lines.empty()) lines = process.output().read_lines();
    const int pid = std::stoi(lines[0]);
    if (write(ends[1], &pid, sizeof pid) == sizeof pid) raise(SIGKILL);
    _exit(1);
  }
  int pid = 0;
  ASSERT_EQ(read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(ends_within(pid, 2));
  close(ends[0]);
  close(ends[1]);
}

TEST(SignalQueue, QueuesSignalsAndRestoresTheirHandlers) {
  {
    SignalQueue queue;
    raise(SIGTERM);
    raise(SIGUSR2);
    EXPECT_EQ(run_shell("kill -TERM $$").code, 128 + SIGTERM) << "children inherit no mask";
    EXPECT_THAT(queue.take(), testing::UnorderedElementsAre(SIGTERM, SIGUSR2));
    EXPECT_THAT(queue.take(), IsEmpty());
  }
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
}

TEST(Leftovers, AreFoundByTheirMarkAndEnded) {
  ChildProcess ours({"sleep", "30"}, {{kJobVariable, "d2l-test-mark"}});
  ChildProcess other({"sleep", "30"}, {{kJobVariable, "d2l-test-mark-2"}});
  EXPECT_EQ(processes_of_job("d2l-test-mark").size(), 1u);
  end_leftovers("d2l-test-mark", {});
  EXPECT_EQ(run(ours).code, 137);
  EXPECT_FALSE(other.exit_code());
}

TEST(Leftovers, SharedMemoryOfTheJobIsRemoved) {
  const std::string folder = "/dev/shm/";
  const std::string name = "vader_segment.d2l-test-" + std::to_string(getpid()) + ".0.";
  // the number of the ranks' job is one more than mpirun's
  const std::string ours = folder + name + "5ec90001.0", other = folder + name + "5ec90002.0";
  for (const std::string& path : {ours, other}) std::ofstream(path) << "x";
  end_leftovers("d2l-test-none", {std::to_string(0x5ec90000)});
  EXPECT_FALSE(std::filesystem::exists(ours));
  EXPECT_TRUE(std::filesystem::remove(other));
}

TEST(Leftovers, OfOtherHostsAreEndedThroughTheRemoteShell) {
  const test::TemporaryFolder folder;
  const auto agent = folder.path() / "agent";
  // node1 is this host under another name, another one is gone
  std::ofstream(agent) << "#!/bin/sh\ncase $1 in node1) shift; sh -c \"$*\";; *) "
                          "echo 'no route' >&2; exit 255;; esac\n";
  std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
  setenv("OMPI_MCA_plm_rsh_agent", agent.c_str(), 1);
  ChildProcess left({"sleep", "30"}, {{kJobVariable, "d2l-test-remote"}});
  const auto answers = end_leftovers_on({"node1", "node2"}, "d2l-test-remote", {"4"});
  unsetenv("OMPI_MCA_plm_rsh_agent");
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_TRUE(answers[0].answers) << answers[0].reason;
  EXPECT_EQ(run(left).code, 137);
  EXPECT_FALSE(answers[1].answers);
  EXPECT_EQ(answers[1].reason, "no route");
}

}  // namespace
}  // namespace d2l::launch
