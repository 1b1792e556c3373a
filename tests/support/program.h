#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace d2l::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if killed, -1 on timeout
  bool timed_out = false;
  std::string output;  // standard output and error, interleaved
};

// A running program from bin_dir() (or with an absolute path), in its own process group.
class Process {
 public:
  // Its output goes to a pipe or, with columns > 0, to a terminal of that width.
  explicit Process(const std::vector<std::string>& arguments, int columns = 0);
  ~Process();  // kills its remaining processes
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads its output until `text` appears; false if it ended or `seconds` passed first.
  bool wait_for(const std::string& text, double seconds);
  // Waits for its end, at most `seconds`; then kills its process group.
  ProgramResult wait(double seconds = 60);
  void send(int signal) const;
  const std::string& output() const { return output_; }

 private:
  bool read_some(double seconds);

  pid_t child_ = -1;
  int from_child_ = -1;
  std::string output_;
};

// Starts a program and waits for its end.
ProgramResult run_program(const std::vector<std::string>& arguments, double seconds = 60);

// The command that runs `arguments` on `ranks` ranks with mpirun, also as root and with more ranks
// than cores; 0 ranks: without mpirun.
std::vector<std::string> on_ranks(int ranks, const std::vector<std::string>& arguments);

// The processes with program name `name` that have `argument` among their arguments.
std::vector<pid_t> processes_of(const std::string& name, const std::string& argument);

}  // namespace d2l::test
