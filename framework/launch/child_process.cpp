#include "framework/launch/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "framework/base/error.h"

namespace d2l::launch {
namespace {

constexpr size_t kReadAtOnce = 1 << 16;

struct Pipe {
  int out = -1, in = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC) == 0, "cannot make a pipe: ", std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {ends[0], ends[1]};
}

// In the new process. Reports errors through `failure`, which exec closes.
[[noreturn]] void become(char* const* words, const Pipe& output, const Pipe& errors, int failure,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  // A process group in the background that reads from the terminal would be stopped.
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output.in, STDOUT_FILENO);
  ::dup2(errors.in, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(words[0], words);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::vector<std::string> LineReader::read_lines() {
  if (descriptor_ < 0) return {};
  const size_t old = rest_.size();
  rest_.resize(old + kReadAtOnce);
  const ssize_t count = ::read(descriptor_, rest_.data() + old, kReadAtOnce);
  const bool later = count < 0 && (errno == EAGAIN || errno == EINTR);
  rest_.resize(old + static_cast<size_t>(count > 0 ? count : 0));
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = old; (end = rest_.find('\n', end)) != std::string::npos; begin = ++end)
    lines.push_back(rest_.substr(begin, end - begin));
  rest_.erase(0, begin);
  const bool ended = count <= 0 && !later;
  if (!rest_.empty() && (ended || rest_.size() >= kLongestLine)) {
    lines.push_back(std::move(rest_));
    rest_.clear();
  }
  if (ended) close();
  return lines;
}

void LineReader::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

struct ChildProcess::Pipes {
  Pipe output = make_pipe(), errors = make_pipe(), failure = make_pipe();
};

ChildProcess::ChildProcess(const std::vector<std::string>& command, const Variables& variables)
    : ChildProcess(command, variables, Pipes()) {}

ChildProcess::ChildProcess(const std::vector<std::string>& command, const Variables& variables,
                           const Pipes& pipes)
    : output_(pipes.output.out), errors_(pipes.errors.out) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    become(arguments.data(), pipes.output, pipes.errors, pipes.failure.in, parent);
  }
  for (const Pipe& pipe : {pipes.output, pipes.errors, pipes.failure}) ::close(pipe.in);
  LineReader failure(pipes.failure.out);
  check(pid_ > 0, "cannot start ", command[0], ": ", std::strerror(errno));
  ::setpgid(pid_, pid_);  // whichever process comes first
  ::fcntl(failure.descriptor(), F_SETFL, 0);
  int error = 0;
  if (::read(failure.descriptor(), &error, sizeof error) == sizeof error) {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    fail("cannot start ", command[0], ": ", std::strerror(error));
  }
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0 || exit_code_) return;
  send_to_group(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<int> ChildProcess::exit_code() {
  siginfo_t info{};
  if (exit_code_ ||
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid != pid_)
    return exit_code_;
  send_to_group(SIGKILL);  // as long as the number of the group cannot be another one's
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

void ChildProcess::send(int signal) const {
  if (pid_ > 0 && !exit_code_) ::kill(pid_, signal);
}

void ChildProcess::send_to_group(int signal) const {
  if (pid_ > 0 && !exit_code_) ::kill(-pid_, signal);
}

}  // namespace d2l::launch
