#include "framework/base/program.h"

#include <gtest/gtest.h>

#include <vector>

namespace d2l::test {
namespace {

bool asks(std::vector<const char*> words) {
  words.insert(words.begin(), "d2l-launch");
  return asks_for_version(static_cast<int>(words.size()), words.data());
}

TEST(Program, AsksForVersion) {
  EXPECT_TRUE(asks({"--version"}));
  EXPECT_TRUE(asks({"--ranks", "2", "--version"}));
  EXPECT_FALSE(asks({}));
  EXPECT_FALSE(asks({"--versions"}));
  EXPECT_FALSE(asks({"--ranks", "2", "--", "other", "--version"}));  // of the other program
}

TEST(Program, VersionHasTheProgramsName) {
  EXPECT_EQ(version_text().rfind("test_base ", 0), 0u) << version_text();
}

}  // namespace
}  // namespace d2l::test
