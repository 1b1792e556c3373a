#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace d2l::launch {

// Reads the lines of a pipe, which it owns, without blocking.
class LineReader {
 public:
  // A longer line is delivered in parts of this size.
  static constexpr size_t kLongestLine = 1 << 20;

  explicit LineReader(int descriptor) : descriptor_(descriptor) {}
  ~LineReader() { close(); }
  LineReader(LineReader&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), rest_(std::move(other.rest_)) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // What to poll; -1 after the end of the output.
  int descriptor() const { return descriptor_; }
  // The lines that are complete by now, without line breaks; at the end of the output also a last
  // line without one. Reads at most about 64 KB.
  std::vector<std::string> read_lines();

 private:
  void close();

  int descriptor_;
  std::string rest_;
};

// A program in a process group of its own. It does not read this process's standard input. If this
// process dies, even by SIGKILL, the program gets SIGTERM. This process must not have other
// threads.
class ChildProcess {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;

  // Starts it, with `variables` added to its environment. Throws Error if it cannot be started.
  explicit ChildProcess(const std::vector<std::string>& command, const Variables& variables = {});
  ~ChildProcess();  // kills the process group
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  LineReader& output() { return output_; }
  LineReader& errors() { return errors_; }

  // The exit code, or 128 + signal; nothing while it runs. When it ends, what remains of its
  // process group is killed.
  std::optional<int> exit_code();
  void send(int signal) const;           // to the program only
  void send_to_group(int signal) const;  // also to those that it has started

 private:
  struct Pipes;
  ChildProcess(const std::vector<std::string>& command, const Variables& variables,
               const Pipes& pipes);

  LineReader output_, errors_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace d2l::launch
