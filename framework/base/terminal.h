#pragma once

#include <sys/types.h>

#include <filesystem>

namespace d2l {

// What becomes of the text that a job prints. Ranks of Open MPI's mpirun write to a terminal of its
// own, whatever mpirun itself writes to; there mpirun's output counts.
class Terminal {
 public:
  // Of this process, when it starts. `proc` is where the system tells of processes.
  static Terminal find(const std::filesystem::path& proc = "/proc");

  // Whether the output is known to end on a terminal, and on one that can redraw a line.
  bool redraws() const;
  // Its width now; of what is no terminal $COLUMNS, or else 80.
  int columns() const;

 private:
  explicit Terminal(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;  // -1: the output ends elsewhere, or nobody knows where
};

// The nearest process above `process` that is Open MPI's mpirun, on this host; 0 where there is
// none.
pid_t mpirun_above(pid_t process, const std::filesystem::path& proc = "/proc");

// Whether the environment's locale (LC_ALL, LC_CTYPE, LANG), as the C library knows it, writes
// UTF-8.
bool locale_has_utf8();

}  // namespace d2l
