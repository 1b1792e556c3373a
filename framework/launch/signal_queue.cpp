#include "framework/launch/signal_queue.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/timer.h"

namespace d2l::launch {

SignalQueue::SignalQueue() {
  sigset_t queued;
  ::sigemptyset(&queued);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) ::sigaddset(&queued, signal);
  }
  ::sigprocmask(SIG_BLOCK, &queued, &before_);
  pipe_before_ = ::signal(SIGPIPE, SIG_IGN);
  descriptor_ = ::signalfd(-1, &queued, SFD_NONBLOCK | SFD_CLOEXEC);
  check(descriptor_ >= 0, "cannot wait for signals: ", std::strerror(errno));
}

SignalQueue::~SignalQueue() {
  ::close(descriptor_);
  ::signal(SIGPIPE, pipe_before_);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void SignalQueue::wait(double seconds) {
  const Timer timer;
  while (waited_for_.empty()) {
    const double left = seconds - timer.seconds();
    pollfd readable{descriptor_, POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(std::ceil(left * 1e3))) == 0) return;
    waited_for_ = take();
  }
}

std::vector<int> SignalQueue::take() {
  std::vector<int> signals = std::exchange(waited_for_, {});
  signalfd_siginfo info{};
  while (::read(descriptor_, &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD) signals.push_back(static_cast<int>(info.ssi_signo));
  return signals;
}

}  // namespace d2l::launch
