#include "framework/train/progress.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace d2l::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using Form = Progress::Form;

const Progress::State kState = {.epoch = 3,
                                .epochs = 10,
                                .done = 0.255,
                                .examples_per_s = 43210,
                                .loss = 1.23456,
                                .data_wait_s = 0.26,
                                .seconds_left = 12.3};
constexpr const char* kText =
    "epoch 3/10 [==>       ] 25%  43.2k examples/s  loss 1.235  ETA 12s  data wait 0.3s";

// The output of some updates with $COLUMNS as the width.
std::string printed(Progress::Options options, const char* columns, int updates) {
  setenv("COLUMNS", columns, 1);
  testing::internal::CaptureStdout();
  {
    Progress progress(options, Terminal::find());
    for (int i = 0; i < updates; ++i) progress.update(kState);
  }
  unsetenv("COLUMNS");
  return testing::internal::GetCapturedStdout();
}

TEST(Progress, LineSaysRateLossRestAndWaiting) { EXPECT_EQ(Progress::line(kState), kText); }

TEST(Progress, LineBeforeTheFirstStep) {
  EXPECT_EQ(Progress::line({}),
            "epoch 0/0 [>         ] 0%  0.0 examples/s  loss 0.000  data wait 0.0s");
}

TEST(Progress, NothingIsPrintedWhenOff) { EXPECT_EQ(printed({}, "80", 3), ""); }

TEST(Progress, ABarIsRedrawnRarelyAndTakenAway) {
  EXPECT_EQ(printed({.form = Form::bar}, "100", 3),
            "\r" + std::string(kText) + "\033[K" + "\r\033[K");
}

TEST(Progress, ABarIsNeverAsWideAsTheTerminal) {
  EXPECT_THAT(printed({.form = Form::bar}, "40", 1),
              StartsWith("\r" + std::string(kText).substr(0, 39) + "\033[K"));
  EXPECT_THAT(printed({.form = Form::bar}, "20", 1), StartsWith("\repoch 3/10 [==>    \033[K"));
  EXPECT_EQ(printed({.form = Form::bar}, "19", 3), "");
}

TEST(Progress, LinesHaveNoControlCharactersAndComeSlowly) {
  using std::chrono::hours, std::chrono::milliseconds;
  const std::string line = std::string(kText) + "\n";
  EXPECT_EQ(printed({.form = Form::lines, .between_lines = milliseconds(0)}, "40", 2), line + line);
  EXPECT_EQ(printed({.form = Form::lines, .between_lines = hours(1)}, "40", 2), "");
}

}  // namespace
}  // namespace d2l::test
