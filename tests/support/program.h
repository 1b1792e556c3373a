#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace d2l::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal for a killed one, -1 when it ran out of time
  bool timed_out = false;
  std::string output;  // standard output and error, interleaved
};

// A program of bin_dir() (or of any absolute path) that runs, in a process group of its
// own.
class Process {
 public:
  // Its output goes into a pipe, or with columns to a terminal that is so wide.
  explicit Process(const std::vector<std::string>& arguments, int columns = 0);
  ~Process();  // kills what is left of it
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads its output until `text` has come; false when it ended or `seconds` passed before.
  bool wait_for(const std::string& text, double seconds);
  // Waits at most `seconds` for its end, then kills its process group.
  ProgramResult wait(double seconds = 60);
  const std::string& output() const { return output_; }

 private:
  bool read_some(double seconds);

  pid_t child_ = -1;
  int from_child_ = -1;
  std::string output_;
};

// Starts a program and waits for its end.
ProgramResult run_program(const std::vector<std::string>& arguments, double seconds = 60);

// `arguments` on so many ranks under mpirun, which may be root's and may have more ranks than
// cores; 0 ranks: without mpirun.
std::vector<std::string> on_ranks(int ranks, const std::vector<std::string>& arguments);

// The processes whose program is called `name` and one of whose arguments is `argument`.
std::vector<pid_t> processes_of(const std::string& name, const std::string& argument);

}  // namespace d2l::test
