#include "framework/base/stop_signals.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

#include "framework/base/error.h"

namespace d2l {
namespace {

using testing::ContainsRegex;
using testing::ExitedWithCode;
using testing::KilledBySignal;

TEST(StopSignals, TheFirstIsRemembered) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const StopSignals signals;
    EXPECT_EQ(signals.received(), "");
    kill(getpid(), signal);
    EXPECT_THAT(signals.received(),
                ContainsRegex(concat("^SIG", sigabbrev_np(signal),
                                     ", sent by process [0-9]+ \\(test_base\\)$")));
    kill(getpid(), SIGTERM);  // the same request
    EXPECT_THAT(signals.received(), ContainsRegex(concat("^SIG", sigabbrev_np(signal))));
  }
}

TEST(StopSignals, ALaterOneHasItsPreviousEffect) {
  const auto twice = [](int signal) {
    const StopSignals signals;
    kill(getpid(), SIGUSR1);
    usleep(700'000);
    kill(getpid(), signal);
    _exit(7);  // not reached
  };
  EXPECT_EXIT(twice(SIGTERM), KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(
      {
        std::signal(SIGINT, [](int) { _exit(3); });
        twice(SIGINT);
      },
      ExitedWithCode(3), "");
}

TEST(StopSignals, ItsEndRestoresTheHandlers) {
  EXPECT_EXIT(
      {
        { const StopSignals signals; }
        kill(getpid(), SIGTERM);
        _exit(7);
      },
      KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace d2l
