#pragma once

#include <csignal>
#include <vector>

namespace d2l::launch {

// While the object lives, signals that ask this process to stop, SIGUSR1, SIGUSR2 and SIGCHLD are
// queued instead of delivered, and SIGPIPE is ignored. Signals that were ignored before, such as
// SIGHUP under nohup, remain so. This process must not have other threads.
class SignalQueue {
 public:
  SignalQueue();
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  int descriptor() const { return descriptor_; }  // to poll
  // The signals since the last call, except SIGCHLD.
  std::vector<int> take();
  // Returns after so many seconds, or earlier if there is a signal.
  void wait(double seconds);

 private:
  int descriptor_ = -1;
  std::vector<int> waited_for_;  // those that ended a wait
  sigset_t before_{};
  void (*pipe_before_)(int) = SIG_DFL;
};

}  // namespace d2l::launch
