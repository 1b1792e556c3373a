#include "framework/base/log.h"

#include <gmock/gmock.h>

namespace d2l {
namespace {

TEST(Log, AQuietOneWarnsWithItsName) {
  Log log(true, "rank 3 on node7: ");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  log.info("all is well");
  log.warn("hot");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: rank 3 on node7: hot\n");
}

}  // namespace
}  // namespace d2l
