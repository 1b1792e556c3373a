#pragma once

#include <sys/types.h>

#include <filesystem>

namespace d2l {

// The terminal that shows this job's output. Open MPI gives each rank a pseudo-terminal, whatever
// mpirun itself writes to; for a rank, mpirun's output is what counts.
class Terminal {
 public:
  // Finds the terminal of this process; call it at the start. `proc` is the system's /proc.
  static Terminal find(const std::filesystem::path& proc = "/proc");

  // Whether the output is known to go to a terminal that can redraw a line.
  bool redraws() const;
  // The terminal's current width; if there is no terminal, $COLUMNS or else 80.
  int columns() const;

 private:
  explicit Terminal(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;  // -1: no terminal, or unknown
};

// The nearest ancestor of `process` on this host that is Open MPI's mpirun; 0 if there is none.
pid_t mpirun_above(pid_t process, const std::filesystem::path& proc = "/proc");

// Whether the environment's locale (LC_ALL, LC_CTYPE, LANG), as the C library knows it, uses UTF-8.
bool locale_has_utf8();

}  // namespace d2l
