#include "launcher/manual/help_text.h"

#include <gmock/gmock.h>

#include "framework/base/error.h"
#include "tests/manual/help.h"

namespace d2l::manual {

bool operator==(const Entry& a, const Entry& b) {
  return a.words == b.words && a.meaning == b.meaning;
}
void PrintTo(const Entry& entry, std::ostream* stream) {
  *stream << entry.words << " | " << entry.meaning;
}

}  // namespace d2l::manual

namespace d2l::test {
namespace {

using manual::Entry;
using manual::HelpOption;
using manual::HelpText;
using testing::ElementsAre;

TEST(HelpText, SummaryUsageAndTexts) {
  const HelpText help = manual::parse_help("d2l-tool", kToolHelp);
  EXPECT_EQ(help.summary, "does things");
  EXPECT_THAT(help.usage,
              ElementsAre(Entry{"d2l-tool [--OPTION VALUE]...", "do them"},
                          Entry{"mpirun -n N d2l-tool ...", "the same on N ranks, faster"}));
  EXPECT_THAT(help.paragraphs, ElementsAre(Entry{"", "A text of two lines."},
                                           Entry{"a word", "and its meaning, which is long"},
                                           Entry{"", "The end."}));
  EXPECT_THAT(help.examples, ElementsAre("d2l-tool --out x"));
}

TEST(HelpText, OptionsInGroups) {
  const HelpText help = manual::parse_help("d2l-tool", kToolHelp);
  ASSERT_EQ(help.groups.size(), 2u);
  EXPECT_EQ(help.groups[0].title, "First group");
  std::vector<std::string> found;
  for (const manual::HelpGroup& group : help.groups)
    for (const HelpOption& option : group.options)
      found.push_back(
          concat(option.letter, " ", option.name, " ", option.value, ": ", option.text));
  EXPECT_THAT(found, ElementsAre(" --out DIR: folder with the results",
                                 " --very-long-name auto|cpu|N: where to compute; see --out",
                                 " --of-exactly-this-len : a text of an option without a value",
                                 " --data NAME: dataset: a, b-c, d1; or the path of a folder",
                                 " --file FILE.csv: .csv is its ending",
                                 "-h --help : show this help and exit"));
}

TEST(HelpText, ExitCodes) {
  EXPECT_THAT(manual::parse_help("d2l-tool", kToolHelp).exit_codes,
              ElementsAre(Entry{"0", "success"}, Entry{"1", "failure, for example a damaged file"},
                          Entry{"128 + N", "ended by the signal N"},
                          Entry{"otherwise", "that of the program"}));
}

TEST(HelpText, ACommand) {
  const HelpText help = manual::parse_help("d2l-tool", kCommandHelp);
  EXPECT_THAT(help.usage, ElementsAre(Entry{"d2l-tool do mnist|cifar10 [--all]", ""},
                                      Entry{"d2l-tool do PATH", ""}));
  EXPECT_THAT(manual::command_names("d2l-tool", help), ElementsAre("do"));
  EXPECT_THAT(manual::command_names("d2l-other", help), ElementsAre());
}

TEST(HelpText, OtherTextsAreErrors) {
  EXPECT_THROW(manual::parse_help("d2l-tool", "d2l-tool: does things\n"), Error);
  EXPECT_THROW(manual::parse_help("d2l-tool",
                                  "Usage: d2l-tool\n\nOptions:\n  -x          y\n\n"
                                  "Exit codes: 0 success.\n"),
               Error);
}

}  // namespace
}  // namespace d2l::test
