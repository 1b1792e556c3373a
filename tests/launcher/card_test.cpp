#include <gmock/gmock.h>

#include <fstream>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// d2l-ckpt card on real runs.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Card : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  // The card, after it has been written to a file.
  std::string card_of(const std::string& run) const {
    const ProgramResult result = run_program({"d2l-ckpt", "card", run, path("card.md")});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.exit_code == 0 ? read_text_file(path("card.md")) : "";
  }

  TemporaryFolder folder_;
  const std::string run_ = path("run");
};

// The line of metrics.csv with the test results of a step, as a row of the card.
std::string row_of(const std::string& run, const std::string& step) {
  std::ifstream stream(run + "/metrics.csv");
  for (std::string line; std::getline(stream, line);) {
    const size_t results = line.find(",,,,,,");  // the columns of training lines
    if (!line.starts_with(step + ",") || results == std::string::npos) continue;
    std::string row = line.substr(results + 6);
    row.resize(row.rfind(','));  // without the run
    return "| " + step + " | " + row.replace(row.find(','), 1, " | ") + " |";
  }
  return "no line of step " + step;
}

TEST_F(Card, SaysWhatTheFilesOfTheRunSay) {
  const std::string data = (source_dir() / "data/samples/fashion-mnist").string();
  const ProgramResult trained = run_program(
      on_ranks(2, {"d2l-train", "--threads", "1", "--data", data, "--model", "bn-lenet", "--epochs",
                   "2", "--lr", "0.05", "--normalize", "0.3:0.4", "--out", run_}),
      100);
  ASSERT_EQ(trained.exit_code, 0) << trained.output;
  const std::string card = card_of(run_);
  for (const char* part : {"# bn-lenet, trained on fashion-mnist\n", "- parameters: 44,878\n",
                           "- classes: 10 (t-shirt, trouser, pullover, dress, coat, sandal, shirt, "
                           "sneaker, bag, ankle "
                           "boot)\n",
                           "fashion-mnist, 10,000 samples of \\[28, 28, 1\\] in 10 classes",
                           "- options that differ from the defaults: `--normalize '0.3:0.4' "
                           "--epochs '2' --lr '0.05'`\n",
                           "- steps: 80\n", "10,000 + 2,000 samples; MPI, 2 ranks",
                           "| | step | test\\_loss | "
                           "test\\_accuracy |\n",
                           "- pixel values: from 0 to 1, then minus 0.3, divided by 0.4\n"})
    EXPECT_THAT(card, HasSubstr(part));
  EXPECT_THAT(card, HasSubstr("| last " + row_of(run_, "80")));
  EXPECT_THAT(card, HasSubstr("| best | "));
  EXPECT_THAT(card, HasSubstr("    d2l-predict " + run_ + " images/\n"));
  EXPECT_THAT(card, Not(HasSubstr("started from")));
  EXPECT_THAT(card, Not(HasSubstr(data)));  // where the data were on this machine
  EXPECT_EQ(run_program({"d2l-ckpt", "card", run_}).output, card);

  fs::remove(run_ + "/metrics.csv");
  fs::remove(run_ + "/log.txt");
  const std::string less = card_of(run_);
  EXPECT_THAT(less, HasSubstr("- steps: 80\n\n## Use\n"));  // no log, no results
}

TEST_F(Card, NamesTheStartWeights) {
  const Words options = {"--model", "lenet", "--max-steps", "1"};
  ASSERT_EQ(train(0, options + Words{"--out", path("first")}).exit_code, 0);
  ASSERT_EQ(train(0, options + Words{"--weights", path("first"), "--out", run_}).exit_code, 0);
  EXPECT_THAT(card_of(run_), HasSubstr("- started from: `first`\n"));
}

TEST_F(Card, RefusesOtherPaths) {
  EXPECT_THAT(run_program({"d2l-ckpt", "card", path("none")}).output,
              HasSubstr("expected a run folder, found no such folder"));
  const std::string config = path("config.ini");
  write_text_file(config, "old");
  EXPECT_THAT(run_program({"d2l-ckpt", "card", path("."), config}).output,
              HasSubstr("card expects a file to write that ends with .md"));
  EXPECT_EQ(read_text_file(config), "old");
}

}  // namespace
}  // namespace d2l::test
