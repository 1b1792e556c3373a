#include "launcher/report_tool/page.h"

#include <gmock/gmock.h>

#include "framework/base/files.h"
#include "tests/report_tool/run_files.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace d2l::report_tool {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The first mistake in a text of HTML that is also XML, or "": an element that is not closed, a
// character that must be escaped, an attribute without quotes.
std::string mistake_in(const std::string& html) {
  std::vector<std::string> open;
  for (size_t place = html.find('\n'); (place = html.find('<', place)) != std::string::npos;) {
    const size_t end = html.find('>', place);
    if (end == std::string::npos) return "no '>' after " + html.substr(place, 30);
    const std::string tag = html.substr(place + 1, end - place - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0 || tag.find('<') != std::string::npos)
      return "quotes: " + tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    place = end + 1;
    if (tag.starts_with("/")) {
      if (open.empty() || "/" + open.back() != tag)
        return concat("found ", tag, ", open is ", open.empty() ? "none" : open.back());
      open.pop_back();
      continue;
    }
    if (name.empty() ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos)
      return "name: " + tag;
    if (tag.ends_with("/")) continue;
    open.push_back(name);
    if (name == "script" || name == "style") place = html.find("</" + name + ">", place);
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

class Page : public testing::Test {
 protected:
  std::string page_of(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back((folder_.path() / name).string());
    return page(read_runs(paths, [](const std::string&) {}), "made & tested");
  }

  test::TemporaryFolder folder_;
};

TEST(Mistakes, AreFound) {
  const std::string head = "<!DOCTYPE html>\n";
  EXPECT_EQ(mistake_in(head + "<p class=\"a\">b<br/></p>"), "");
  for (const char* wrong : {"<p>", "</p>", "<p><b></p></b>", "<p a=\"b></p>", "<p><</p>"})
    EXPECT_NE(mistake_in(head + wrong), "") << wrong;
}

TEST_F(Page, IsWellFormedForRunsOfAnyName) {
  const std::vector<std::string> names = {"plain", "a <b> & \"c\" 'd'", "not-utf8-\xff",
                                          "</script><script>alert(1)"};
  for (const std::string& name : {names[0], names[1], names[2]})
    test::write_run(folder_.path() / name);
  test::write_run(folder_.path() / names[3]);
  const std::string html = page_of({names[0], names[1], names[2]});
  EXPECT_EQ(mistake_in(html), "");
  EXPECT_THAT(html, StartsWith("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;"));
  EXPECT_THAT(html, HasSubstr("not-utf8-\\xff"));
  EXPECT_THAT(html, HasSubstr("made &amp; tested"));
  EXPECT_THAT(html, Not(HasSubstr("a <b>")));
  const std::string hostile = page_of({names[3]});  // a folder in a folder
  EXPECT_EQ(mistake_in(hostile), "");
  EXPECT_THAT(hostile, Not(HasSubstr("<script>alert")));
}

TEST_F(Page, NeedsNothingElse) {
  test::write_run(folder_.path() / "a");
  const std::string html = page_of({"a"});
  for (const char* other : {"http:", "https:", "src=", "@import", "url("}) {
    const size_t place = html.find(other);
    // the name of SVG's elements is no address
    EXPECT_TRUE(place == std::string::npos || html.substr(place).starts_with("http://www.w3.org"))
        << html.substr(place, 80);
  }
}

TEST_F(Page, TellsWhatDiffers) {
  test::write_run(folder_.path() / "a", "lr = 0.25\n");
  test::write_run(folder_.path() / "b", "lr = 0.75\n");
  const std::string both = page_of({"a", "b"});
  for (const char* part :
       {"<h1>2 runs</h1>", "Options that differ between the runs", "--lr", "<td>0.75</td>",
        "<td>2, then 4</td>", "accuracy 0.750 (step 10)", "<figcaption>Test accuracy</figcaption>",
        "\"values\":[0.75,0.5]", "[10,\"resume\",\"MPI, 4 ranks", "[10,\"best\","})
    EXPECT_THAT(both, HasSubstr(part));
  EXPECT_THAT(both, Not(HasSubstr("--epochs")));  // equal
  const std::string one = page_of({"a"});
  EXPECT_THAT(one, HasSubstr("Options that differ from the defaults"));
  EXPECT_THAT(one, HasSubstr("--epochs"));
  EXPECT_THAT(one, HasSubstr("<figcaption>Loss</figcaption>"));
  EXPECT_THAT(one, HasSubstr("Checkpoints saved: 1."));
}

TEST_F(Page, NamesTheSlowestRanks) {
  test::write_run(folder_.path() / "a");
  EXPECT_THAT(page_of({"a"}), Not(HasSubstr("Slowest ranks")));
  const fs::path log = folder_.path() / "a/log.txt";
  write_text_file(log, read_text_file(log) +
                           "2026-11-29 10:00:04 slowest rank: 3 on <node7>, 45.0 ms per step, 12.5 "
                           "ms of it waiting for data; median 30.0 ms\n");
  const std::string html = page_of({"a"});
  EXPECT_EQ(mistake_in(html), "");
  for (const char* part :
       {"Slowest ranks of a", ">3 on &lt;node7&gt;<", "<td>1 of 1 times</td>", "<td>45.0 ms</td>",
        "<td>12.5 ms</td>", "<td>30.0 ms</td>", "<td>1.50</td>"})
    EXPECT_THAT(html, HasSubstr(part));
}

TEST_F(Page, ARunWithoutMetricsIsShown) {
  test::write_run(folder_.path() / "a");
  write_text_file(folder_.path() / "a/metrics.csv", test::kMetricsHeader);
  fs::remove(folder_.path() / "a/log.txt");
  write_text_file(folder_.path() / "a/.lock", "");
  const std::string html = page_of({"a"});
  EXPECT_EQ(mistake_in(html), "");
  EXPECT_THAT(html, HasSubstr("No curves: the runs have not written lines of metrics.csv yet."));
  EXPECT_THAT(html, HasSubstr("<td>no metrics yet</td>"));
  EXPECT_THAT(html, HasSubstr("log.txt: no such file"));
  EXPECT_THAT(html, HasSubstr("(.lock exists)"));
}

// A run that was resumed on another number of ranks, as d2l-train leaves it.
TEST_F(Page, IsMadeFromRealRuns) {
  const std::string run = (folder_.path() / "run").string(),
                    out = (folder_.path() / "page.html").string();
  const std::vector<std::string> options = {
      "d2l-train", "--data", "synthetic", "--model",     "mlp", "--threads",    "1", "--max-steps",
      "4",         "--out",  run,         "--log-every", "1",   "--batch-size", "64"};
  ASSERT_EQ(test::run_program(test::on_ranks(2, options)).exit_code, 0);
  ASSERT_EQ(test::run_program({"d2l-train", "--resume", run, "--max-steps", "6"}).exit_code, 0);
  const test::ProgramResult made = test::run_program({"d2l-report", run, "--out", out});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_THAT(made.output, StartsWith(out + ": 1 run, "));
  const std::string html = read_text_file(out);
  EXPECT_EQ(mistake_in(html), "");
  for (const char* part :
       {"<h1>Run run</h1>", "<td>2, then 1</td>", "\"steps\":[1,2,3,4,5,6]", "[4,\"save\",",
        "[4,\"resume\",\"1 rank; ", "<td>finished</td>", "mlp, "})
    EXPECT_THAT(html, HasSubstr(part));
  EXPECT_THAT(html, Not(HasSubstr("class=\"problems\"")));
}

TEST_F(Page, WrongUsageIsRefused) {
  const auto code = [](const std::vector<std::string>& words) {
    return test::run_program(words).exit_code;
  };
  EXPECT_EQ(code({"d2l-report"}), 2);
  EXPECT_EQ(code({"d2l-report", "--outt", "a.html", "a"}), 2);
  EXPECT_EQ(code({"d2l-report", (folder_.path() / "none").string()}), 1);
  EXPECT_EQ(code({"d2l-report", "--help"}), 0);
  test::write_run(folder_.path() / "a");
  const std::string config = (folder_.path() / "a/config.ini").string();
  EXPECT_EQ(code({"d2l-report", (folder_.path() / "a").string(), "--out", config}), 2);
}

}  // namespace
}  // namespace d2l::report_tool
