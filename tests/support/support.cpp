#include "tests/support/support.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>

#include "framework/base/timer.h"

namespace d2l::test {

Backend& cpu() {
  static std::unique_ptr<Backend> backend = make_cpu_backend(1);
  return *backend;
}

testing::AssertionResult close(const Tensor& found, const std::vector<float>& expected,
                               double relative, double absolute) {
  std::vector<float> values = found.to_vector<float>();
  if (values.size() != expected.size())
    return testing::AssertionFailure()
           << "expected " << expected.size() << " elements, found shape " << found.shape();
  for (size_t i = 0; i < values.size(); ++i) {
    double difference = std::abs(static_cast<double>(values[i]) - expected[i]);
    // written so that NaN fails
    if (!(difference <= absolute + relative * std::abs(expected[i])))
      return testing::AssertionFailure() << "element " << i << " of " << found.shape()
                                         << ": expected " << expected[i] << ", found " << values[i];
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult close(const Tensor& found, const Tensor& expected, double relative,
                               double absolute) {
  if (!(found.shape() == expected.shape()))
    return testing::AssertionFailure()
           << "expected shape " << expected.shape() << ", found " << found.shape();
  return close(found, expected.to_vector<float>(), relative, absolute);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "d2l-test-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "cannot make a folder like ", pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path data_dir() {
  const char* named = std::getenv("D2L_DATA_DIR");
  std::filesystem::path path =
      named ? std::filesystem::path(named)
            : std::filesystem::path(D2L_SOURCE_DIR).parent_path() / "shared" / "data";
  return std::filesystem::is_directory(path) ? path : std::filesystem::path();
}

ProgramResult run_program(const std::vector<std::string>& arguments, double seconds) {
  std::vector<std::string> words = arguments;
  if (words[0].find('/') == std::string::npos &&
      std::filesystem::exists(std::filesystem::path(D2L_BIN_DIR) / words[0]))
    words[0] = (std::filesystem::path(D2L_BIN_DIR) / words[0]).string();
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  int ends[2];
  check(pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe");
  pid_t child = fork();
  check(child >= 0, "cannot fork");
  if (child == 0) {
    setpgid(0, 0);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  ::close(ends[1]);

  ProgramResult result;
  Timer timer;
  char buffer[4096];
  while (true) {
    pollfd poll_end{ends[0], POLLIN, 0};
    int wait_ms = static_cast<int>((seconds - timer.seconds()) * 1000);
    if (wait_ms <= 0 || poll(&poll_end, 1, wait_ms) == 0) {
      result.timed_out = true;
      kill(-child, SIGKILL);
      break;
    }
    ssize_t count = read(ends[0], buffer, sizeof buffer);
    if (count <= 0) break;
    result.output.append(buffer, static_cast<size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!result.timed_out)
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace d2l::test
