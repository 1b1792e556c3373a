#pragma once

#include <string>

namespace d2l {

// Lets a process finish its work when it is asked to end: the first SIGTERM, SIGINT or SIGUSR1 is
// only remembered. The next one has the effect that it had before, unless it comes within half a
// second: launchers may pass on a signal that the process has got as well. At most one object in a
// process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  // restores the previous handlers
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // "SIGTERM, sent by process 123 (mpirun)"; "" if none has come.
  std::string received() const;
};

}  // namespace d2l
