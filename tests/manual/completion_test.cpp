#include "launcher/manual/completion.h"

#include <gmock/gmock.h>

#include "tests/manual/help.h"

// programs_test.sh lets bash use the completions of the real programs.

namespace d2l::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Completion, WordsOfAValue) {
  const auto words = [](const std::string& value, const std::string& text = "") {
    return manual::words_of({.name = "--x", .letter = "", .value = value, .text = text});
  };
  EXPECT_THAT(words("on|off"), ElementsAre("on", "off"));
  EXPECT_THAT(words("auto|cpu|N"), ElementsAre("auto", "cpu"));
  EXPECT_THAT(words("1|3"), ElementsAre("1", "3"));
  EXPECT_THAT(words("X"), ElementsAre());
  EXPECT_THAT(words("LATENCY,BANDWIDTH[,mpi|nccl]"), ElementsAre());
  EXPECT_THAT(words("NAME", "dataset: a, b-c, d1; or a path"), ElementsAre("a", "b-c", "d1"));
  EXPECT_THAT(words("TEXT", "dataset: a, b-c, d1"), ElementsAre());
}

TEST(Completion, ProposesValuesAndOptions) {
  manual::Manual made = tool();
  made.listed["--file"] = {};
  const std::string text = manual::bash_completion(made);
  EXPECT_THAT(text, HasSubstr("'--out') _d2l_propose -d; return ;;\n"));
  EXPECT_THAT(text, HasSubstr("'--very-long-name') _d2l_propose -W \"auto cpu\"; return ;;\n"));
  EXPECT_THAT(text, HasSubstr("'--data') _d2l_propose -d -W \"a b-c d1\"; return ;;\n"));
  EXPECT_THAT(text, HasSubstr("'--file') _d2l_propose -f; return ;;\n"));
  EXPECT_THAT(text, HasSubstr("  _d2l_propose -W \"--out --very-long-name --of-exactly-this-len "
                              "--data --file --help\"\n}\ncomplete -F _d2l_tool d2l-tool\n"));
}

TEST(Completion, Commands) {
  manual::Manual with = {
      .program = "d2l-tool", .help = manual::parse_help("d2l-tool", kCommandHelp), .commands = {}};
  with.commands.push_back({"do", with.help});
  const std::string text = manual::bash_completion(with);
  EXPECT_THAT(text, HasSubstr("_d2l_propose -W \"do --all --split\"\n    return\n"));
  EXPECT_THAT(text, HasSubstr("'do --split') _d2l_propose -W \"train test\"; return ;;\n"));
  EXPECT_THAT(text, HasSubstr("do) if [[ $word == -* ]]; then _d2l_propose -W \"--all --split\"; "
                              "else _d2l_propose -W \"mnist cifar10\"; fi ;;\n"));
}

}  // namespace
}  // namespace d2l::test
