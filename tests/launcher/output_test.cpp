#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// The output of a job for different destinations.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Output : public testing::Test {
 protected:
  // A job's command line, with environment variables.
  Words job(int ranks, const Words& variables, const Words& options = {}) const {
    Words words = {"env", "-u", "LC_ALL", "-u", "LC_CTYPE", "-u", "LANG", "-u", "COLUMNS"};
    words.insert(words.end(), variables.begin(), variables.end());
    Words command = {bin_dir() / "d2l-train",
                     "--recipe",
                     "lenet",
                     "--data",
                     "synthetic",
                     "--threads",
                     "1",
                     "--max-steps",
                     "8",
                     "--out",
                     folder_.path() / std::to_string(runs_++)};
    command.insert(command.end(), options.begin(), options.end());
    for (const std::string& word : on_ranks(ranks, command)) words.push_back(word);
    return words;
  }

  std::string on_terminal(const Words& command, int columns) const {
    const ProgramResult result = Process(command, columns).wait(60);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.output;
  }

  // A script that runs its arguments, followed by `redirection`.
  std::string script(const std::string& name, const std::string& redirection) const {
    const fs::path path = folder_.path() / name;
    write_text_file(path, "#!/bin/sh\n\"$@\"" + redirection + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }

  const TemporaryFolder folder_;
  mutable int runs_ = 0;
};

const std::string kBar = "\repoch 1/10 [";

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || c == '\r' || (c >= ' ' && c <= '~'); });
}

// The text between the rates and the last line.
std::string curve_of(const std::string& output) {
  const size_t begin = output.find('\n', output.find("wall-clock with data"));
  EXPECT_NE(begin, std::string::npos) << output;
  return output.substr(begin, output.find("run folder") - begin);
}

size_t widest(const std::string& text) {
  size_t most = 0;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
      return c != '\r' && (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    most = std::max(most, static_cast<size_t>(characters));
  }
  return most;
}

TEST_F(Output, OnATerminalIsABarAndACurveThatFit) {
  const std::string wide = on_terminal(job(0, {"TERM=xterm", "LANG=C.UTF-8"}), 100);
  EXPECT_THAT(wide, HasSubstr(kBar));
  EXPECT_THAT(wide, HasSubstr("data wait"));
  EXPECT_EQ(widest(curve_of(wide)), 72u);
  const std::string narrow = on_terminal(job(0, {"TERM=xterm", "LANG=C.UTF-8"}), 40);
  EXPECT_THAT(narrow, HasSubstr(kBar));
  EXPECT_THAT(narrow, Not(HasSubstr("data wait")));
  EXPECT_EQ(widest(curve_of(narrow)), 40u);
  const std::string tiny = on_terminal(job(0, {"TERM=xterm", "LANG=C.UTF-8"}), 15);
  EXPECT_THAT(tiny, Not(HasSubstr(kBar)));
  EXPECT_EQ(widest(curve_of(tiny)), 0u);
}

TEST_F(Output, IsAsciiWhereNothingElseIsToBeHad) {
  const std::string output = on_terminal(job(0, {"TERM=dumb", "LANG=C"}), 40);
  EXPECT_TRUE(is_ascii(output)) << output;
  EXPECT_THAT(output, Not(HasSubstr(kBar)));
  EXPECT_EQ(widest(curve_of(output)), 40u);
}

TEST_F(Output, OfMpirunOnATerminalIsABarBehindAnyScript) {
  const Words variables = {"TERM=xterm"};
  const std::string wrapper = script("wrapper", "");
  Words words = job(2, variables);
  EXPECT_THAT(on_terminal(words, 100), HasSubstr(kBar));
  words = job(2, variables);
  words.insert(std::find(words.begin(), words.end(), bin_dir() / "d2l-train"), {wrapper, wrapper});
  words.insert(words.begin(), wrapper);
  EXPECT_THAT(on_terminal(words, 100), HasSubstr(kBar));
}

TEST_F(Output, InAFileHasNoControlCharacters) {
  const Words variables = {"TERM=xterm"};
  const fs::path file = folder_.path() / "output";
  const auto find_program = [](Words& words) {
    return std::find(words.begin(), words.end(), bin_dir() / "d2l-train");
  };
  // redirects mpirun's output; the ranks' output; the ranks' output through a pipe
  Words above = job(2, variables), below = job(2, variables), piped = job(2, variables);
  above.insert(above.begin(), script("above", " > " + file.string()));
  below.insert(find_program(below), script("below", " >> " + file.string()));
  piped.insert(find_program(piped), script("piped", " | cat >> " + file.string()));
  for (const Words& words : {above, below, piped}) {
    const std::string shown = on_terminal(words, 100);
    EXPECT_THAT(shown, Not(HasSubstr("\033")));
    const std::string kept = read_text_file(file);
    EXPECT_THAT(kept, HasSubstr("examples/sec"));
    EXPECT_THAT(kept, Not(HasSubstr("\033")));
    EXPECT_THAT(kept, Not(HasSubstr("\r")));
  }
}

TEST_F(Output, ThatMpirunChangesIsNoBar) {
  for (const Words& options :
       {Words{"--tag-output"}, Words{"--output-filename", folder_.path() / "copies"}}) {
    Words words = job(2, {"TERM=xterm"});
    words.insert(std::find(words.begin(), words.end(), "-n"), options.begin(), options.end());
    EXPECT_THAT(on_terminal(words, 100), Not(HasSubstr("\033")));
  }
}

TEST_F(Output, FollowsTheOption) {
  const Words variables = {"TERM=xterm"};
  for (const char* form : {"lines", "off"})
    EXPECT_THAT(on_terminal(job(0, variables, {"--progress", form}), 100), Not(HasSubstr("\033")));
  EXPECT_THAT(run_program(job(0, variables, {"--progress", "bar"})).output, HasSubstr(kBar));
  EXPECT_THAT(run_program(job(0, variables)).output, Not(HasSubstr(kBar)));
  const ProgramResult wrong = run_program(job(0, variables, {"--progress", "beer"}));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("--progress expects auto, bar, lines or off, found 'beer'"));
}

TEST_F(Output, InAPipeIsAsWideAsColumnsSays) {
  const std::string output = run_program(job(0, {"COLUMNS=50", "LANG=C.UTF-8"})).output;
  EXPECT_EQ(widest(curve_of(output)), 50u);
}

// 3 of 40 epochs are done, with another batch size.
TEST_F(Output, CountsSamplesWhenARunGoesOnWithAnotherBatch) {
  const std::string run = folder_.path() / "run";
  ASSERT_EQ(
      train(0, {"--recipe", "mlp", "--epochs", "3", "--batch-size", "64", "--out", run}).exit_code,
      0);
  const ProgramResult on =
      run_program({"d2l-train", "--resume", run, "--epochs", "40", "--batch-size", "1024",
                   "--max-steps", "194", "--progress", "bar"});
  EXPECT_EQ(on.exit_code, 0) << on.output;
  const size_t bar = on.output.find("\repoch 4/40 [");
  ASSERT_NE(bar, std::string::npos) << on.output;
  // synthetic data have 4,096 samples; --max-steps stops inside the fourth epoch
  EXPECT_THAT(on.output.substr(bar, 40), HasSubstr("92%"));
}

}  // namespace
}  // namespace d2l::test
