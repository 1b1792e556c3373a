#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

const Words kAugmented = {"--recipe",     "lenet", "--flip",         "0.5",
                          "--brightness", "0.4",   "--crop-padding", "4",
                          "--log-every",  "1",     "--normalize",    "0.3:0.25"};

TEST(Resume, BitForBitWithAugmentation) {
  TemporaryFolder folder;
  const std::string whole = folder.path() / "whole", cut = folder.path() / "cut";
  const Words options = kAugmented + Words{"--epochs", "2"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", cut, "--max-steps", "13"}).exit_code, 0);
  const ProgramResult refused = train(2, {"--resume", cut, "--max-steps", "0", "--flip", "0.4"});
  EXPECT_THAT(refused.output, HasSubstr("--flip can change only between epochs"));
  ASSERT_EQ(train(2, {"--resume", cut, "--max-steps", "0"}).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n");
}

// The same images on any number of ranks and loader threads.
TEST(Train, AugmentsWhateverTheRanks) {
  TemporaryFolder folder;
  const Words options = kAugmented + Words{"--max-steps", "10", "--batch-size", "101"};
  std::vector<double> reference;
  for (int ranks : {0, 2}) {
    const std::filesystem::path run = folder.path() / std::to_string(ranks);
    ProgramResult result =
        train(ranks, options + Words{"--loader-threads", std::to_string(ranks + 1), "--out", run});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::vector<double> found = losses(run);
    ASSERT_EQ(found.size(), 10u);
    if (ranks == 0) reference = found;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], reference[i], 1e-5 * reference[i]) << ranks << " ranks, step " << i;
  }
  const std::filesystem::path plain = folder.path() / "plain";
  ASSERT_EQ(train(0, {"--recipe", "lenet", "--log-every", "1", "--max-steps", "10", "--batch-size",
                      "101", "--normalize", "0.3:0.25", "--out", plain})
                .exit_code,
            0);
  EXPECT_NE(losses(plain)[0], reference[0]);
}

}  // namespace
}  // namespace d2l::test
