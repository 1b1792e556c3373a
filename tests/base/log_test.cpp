#include "framework/base/log.h"

#include <gmock/gmock.h>

#include "framework/base/files.h"
#include "tests/support/support.h"

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

TEST(Log, ItsNamePrecedesEachLineOutsideTheFile) {
  const test::TemporaryFolder folder;
  Log log(false, "fold 2: ");
  log.open(folder.path() / "log.txt");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  log.info("all is well");
  log.warn("hot");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "fold 2: all is well\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: fold 2: hot\n");
  EXPECT_THAT(read_text_file(folder.path() / "log.txt"),
              testing::MatchesRegex("[-0-9: ]+ all is well\n[-0-9: ]+ warning: hot\n"));
}

}  // namespace
}  // namespace d2l
