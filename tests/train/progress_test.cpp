#include "framework/train/progress.h"

#include <gtest/gtest.h>

namespace d2l::test {
namespace {

const Progress::State kState = {.epoch = 3,
                                .epochs = 10,
                                .step = 600,
                                .steps = 2350,
                                .examples_per_s = 43210,
                                .loss = 1.23456,
                                .data_wait_s = 0.26,
                                .seconds_left = 12.3};

TEST(Progress, LineSaysRateLossRestAndWaiting) {
  EXPECT_EQ(Progress::line(kState, 100),
            "epoch 3/10 [==>       ] 25%  43.2k examples/s  loss 1.235  ETA 12s  data wait 0.3s");
}

TEST(Progress, LineIsNeverWiderThanTheTerminal) {
  EXPECT_EQ(Progress::line(kState, 20), "epoch 3/10 [==>     ");
  EXPECT_EQ(Progress::line(kState, 0), "");
}

TEST(Progress, LineBeforeTheFirstStep) {
  EXPECT_EQ(Progress::line({}, 80),
            "epoch 0/0 [>         ] 0%  0.0 examples/s  loss 0.000  data wait 0.0s");
}

TEST(Progress, NothingIsDrawnWhenDisabled) {
  testing::internal::CaptureStdout();
  {
    Progress progress(false);
    progress.update({});
    progress.clear();
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(Progress, RedrawsRarelyAndClears) {
  testing::internal::CaptureStdout();
  {
    Progress progress(true);
    for (int i = 0; i < 3; ++i) progress.update({.epoch = 1, .epochs = 2});
    progress.clear();
  }
  const std::string text = testing::internal::GetCapturedStdout();
  EXPECT_EQ(text.find("epoch"), text.rfind("epoch"));
  EXPECT_EQ(text.substr(text.size() - 4), "\r\033[K");
}

}  // namespace
}  // namespace d2l::test
