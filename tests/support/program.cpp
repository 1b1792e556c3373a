#include "tests/support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "framework/base/error.h"
#include "framework/base/timer.h"
#include "tests/support/support.h"

namespace d2l::test {

namespace fs = std::filesystem;

namespace {

// A child writes to `in`; the test reads from `out`.
struct Channel {
  int out = -1, in = -1;
};

Channel make_pipe() {
  int ends[2];
  check(pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe");
  return {ends[0], ends[1]};
}

Channel make_terminal(int columns) {
  Channel channel;
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  check(openpty(&channel.out, &channel.in, nullptr, nullptr, &size) == 0, "cannot make a terminal");
  for (const int end : {channel.out, channel.in}) fcntl(end, F_SETFD, FD_CLOEXEC);
  return channel;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, int columns) {
  std::vector<std::string> words = arguments;
  if (words[0].find('/') == std::string::npos && fs::exists(bin_dir() / words[0]))
    words[0] = (bin_dir() / words[0]).string();
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const Channel channel = columns > 0 ? make_terminal(columns) : make_pipe();
  child_ = fork();
  check(child_ >= 0, "cannot fork");
  if (child_ == 0) {
    setpgid(0, 0);
    dup2(channel.in, STDOUT_FILENO);
    dup2(channel.in, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  ::close(channel.in);
  from_child_ = channel.out;
}

Process::~Process() {
  if (child_ > 0) wait(0);
}

// False at the end of the output or on timeout.
bool Process::read_some(double seconds) {
  pollfd ready{from_child_, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(std::max(0.0, seconds) * 1000)) == 0) return false;
  char buffer[4096];
  ssize_t count = read(from_child_, buffer, sizeof buffer);
  if (count > 0) output_.append(buffer, static_cast<size_t>(count));
  return count > 0;
}

bool Process::wait_for(const std::string& text, double seconds) {
  Timer timer;
  while (output_.find(text) == std::string::npos)
    if (!read_some(seconds - timer.seconds())) return false;
  return true;
}

ProgramResult Process::wait(double seconds) {
  ProgramResult result;
  Timer timer;
  while (read_some(seconds - timer.seconds())) {
  }
  result.timed_out = timer.seconds() >= seconds;
  if (result.timed_out) kill(-child_, SIGKILL);
  ::close(from_child_);
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = -1;
  if (!result.timed_out)
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = output_;
  return result;
}

void Process::send(int signal) const { kill(child_, signal); }

ProgramResult run_program(const std::vector<std::string>& arguments, double seconds) {
  return Process(arguments).wait(seconds);
}

std::vector<std::string> on_ranks(int ranks, const std::vector<std::string>& arguments) {
  if (ranks == 0) return arguments;
  std::vector<std::string> words = {"env"};
  for (const char* setting :
       {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
        "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_mpi_yield_when_idle=1"})
    words.emplace_back(setting);
  const fs::path packaged = bin_dir() / "mpirun";
  words.push_back(fs::exists(packaged) ? packaged.string() : D2L_MPIEXEC);
  for (const char* word : {"--bind-to", "none", "-n"}) words.emplace_back(word);
  words.push_back(std::to_string(ranks));
  words.insert(words.end(), arguments.begin(), arguments.end());
  // mpirun searches programs only in PATH.
  std::string& program = words[words.size() - arguments.size()];
  if (program.find('/') == std::string::npos) program = (bin_dir() / program).string();
  return words;
}

std::vector<pid_t> processes_of(const std::string& name, const std::string& argument) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    std::vector<std::string> words;
    for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
    if (words.empty() || fs::path(words[0]).filename() != name) continue;
    if (std::find(words.begin() + 1, words.end(), argument) != words.end())
      found.push_back(std::stoi(pid));
  }
  return found;
}

}  // namespace d2l::test
