#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"

namespace d2l::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ProgramResult task(std::vector<std::string> words) {
  words.insert(words.begin(), {"d2l-train", "--task"});
  return run_program(words);
}

TEST(Task, AttentionRegressionPrintsItsThreeErrors) {
  const ProgramResult result = task({"attention-regression"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, AllOf(HasSubstr("learned in 5 epochs"), HasSubstr("average 0.89"),
                                   HasSubstr("w = 1 0.3"), HasSubstr("learned w 0.1")));
  EXPECT_THAT(task({"attention-regression", "--epochs", "9", "--seed", "3", "--lr", "0.1"}).output,
              AllOf(HasSubstr("learned in 9 epochs"), testing::Ne(result.output)));
}

TEST(Task, RefusesWhatItDoesNotKnow) {
  const ProgramResult unknown = task({"attention-regresion"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.output, HasSubstr("did you mean 'attention-regression'"));
  const ProgramResult other = task({"attention-regression", "--model", "mlp"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, AllOf(HasSubstr("--seed"), HasSubstr("found --model")));
  EXPECT_EQ(task({"attention-regression", "--epochs", "0"}).exit_code, 2);
}

}  // namespace
}  // namespace d2l::test
