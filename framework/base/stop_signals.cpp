#include "framework/base/stop_signals.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fstream>

#include "framework/base/error.h"

namespace d2l {
namespace {

constexpr std::array kSignals = {SIGTERM, SIGINT, SIGUSR1};

std::atomic<bool> in_use = false;
// Written by the handler; `first_signal` last.
std::atomic<int> first_signal = 0, sender = 0;
std::atomic<int64_t> first_time = 0;
std::array<struct sigaction, kSignals.size()> before;

constexpr int64_t kSame = 500'000'000;  // nanoseconds: signals so close are one request

int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void restore_handlers() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
}

// The effect that the signal had before.
void end_by(int signal, siginfo_t* info, void* context) {
  restore_handlers();
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] != signal) continue;
    if ((before[i].sa_flags & SA_SIGINFO) != 0)
      return before[i].sa_sigaction(signal, info, context);
    ::raise(signal);
  }
}

// Uses only system calls.
void on_signal(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  if (first_signal == 0) {
    first_time = now();
    sender = info->si_code <= 0 ? info->si_pid : 0;  // above 0: sent by the kernel
    first_signal = signal;
  } else if (now() - first_time > kSame) {
    end_by(signal, info, context);
  }
  errno = error;
}

}  // namespace

StopSignals::StopSignals() {
  check(!in_use.exchange(true), "stop signals: expected one object in a process, found another");
  first_signal = 0;
  struct sigaction action {};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before[i]);
}

StopSignals::~StopSignals() {
  restore_handlers();
  in_use = false;
}

std::string StopSignals::received() const {
  if (first_signal == 0) return "";
  std::string text = concat("SIG", ::sigabbrev_np(first_signal));
  if (sender == 0) return text;
  std::ifstream stream(concat("/proc/", sender, "/comm"));
  std::string name;
  std::getline(stream, name);
  return concat(text, ", sent by process ", sender, name.empty() ? "" : " (" + name + ")");
}

}  // namespace d2l
