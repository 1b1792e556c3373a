#include "launcher/manual/manual_page.h"

#include <gmock/gmock.h>

#include "tests/manual/help.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const manual::PageFacts kFacts = {
    .version = "1.2.3", .date = "2026-01-02", .programs = {"d2l-tool", "d2l-other"}};

TEST(ManualPage, HasItsSections) {
  const std::string page = manual::manual_page(tool(), kFacts);
  EXPECT_THAT(page, StartsWith(".TH D2L\\-TOOL 1 2026-01-02 \"d2l 1.2.3\" \"d2l\"\n"));
  size_t at = 0;
  for (const char* section :
       {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}) {
    const size_t found = page.find(std::string("\n.SH ") + section + "\n", at);
    ASSERT_NE(found, std::string::npos) << section << " after " << at << " of\n" << page;
    at = found;
  }
  EXPECT_THAT(page, HasSubstr(".SH NAME\nd2l\\-tool \\- does things\n"));
  EXPECT_THAT(page, HasSubstr(".SS First group\n.TP\n\\fB\\-\\-out\\fR \\fIDIR\\fR\n"
                              "folder with the results\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow this help and exit\n"));
  EXPECT_THAT(page, HasSubstr("where to compute; see \\fB\\-\\-out\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".SH SEE ALSO\n\\fBmpirun\\fR(1),\n\\fBd2l\\-other\\fR(1)\n"));
}

// A line that begins with a point would be a macro.
TEST(ManualPage, TextIsNoMacro) {
  EXPECT_THAT(manual::manual_page(tool(), kFacts), HasSubstr("\n\\&.csv is its ending\n"));
  manual::Manual many = tool();
  many.help.groups[0].options[1].text = "'quoted'";
  for (int i = 0; i < 40; ++i) many.help.groups[0].options[0].text += " .csv";
  const std::string page = manual::manual_page(many, kFacts);
  EXPECT_THAT(page, HasSubstr(" .csv\n\\&.csv .csv "));
  EXPECT_THAT(page, Not(HasSubstr("\n.csv")));
  EXPECT_THAT(page, HasSubstr("\n\\(aqquoted\\(aq\n"));
}

TEST(ManualPage, Commands) {
  manual::Manual with = tool();
  with.commands.push_back({"do", manual::parse_help("d2l-tool", kCommandHelp)});
  EXPECT_THAT(manual::manual_page(with, kFacts),
              HasSubstr(".SH COMMANDS\n.SS d2l\\-tool do\n.nf\n"
                        "\\fBd2l\\-tool\\fR do mnist|cifar10 [\\fB\\-\\-all\\fR]\n"
                        "\\fBd2l\\-tool\\fR do PATH\n.fi\n.TP\n\\fB\\-\\-all\\fR\nall\n"));
}

}  // namespace
}  // namespace d2l::test
