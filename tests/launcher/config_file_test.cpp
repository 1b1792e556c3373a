#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <limits>
#include <vector>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/command_line.h"
#include "launcher/resume.h"
#include "launcher/stored_config.h"
#include "tests/launcher/command_lines.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using test::message_of;
using test::TemporaryFolder;

TEST(ConfigFile, IniRoundTripsEveryStoredOption) {
  Config config;
  config.model.name = "lenet";
  config.data.folder = " a \"#\\odd\" folder\r\n ";
  config.data.name = "/$HOME/$x$$";
  config.optimizer.lr = 0.1 + 0.2;
  config.optimizer.weight_decay = 1e-300;
  config.training.seed = std::numeric_limits<uint64_t>::max();
  config.machine.loader_threads.count = 3;
  config.machine.loader_queue = {uint64_t{3} << 30, "3GiB"};
  config.model.init = InitChoice::normal;
  config.model.width = 4;
  config.data.resize = 224;
  config.optimizer.nesterov = true;
  config.schedule.milestones = {parse_duration("", "30"), parse_duration("", "60steps")};
  EXPECT_EQ(from_ini(to_ini(config)), config);

  config.run.out = "run";
  config.run.resume = "old";
  config.program.config_file = "file";
  Config back = from_ini(to_ini(config));
  EXPECT_EQ(back.run.out + back.run.resume + back.program.config_file, "");
}

TEST(ConfigFile, IniMistakesNameTheLine) {
  auto found = [](const std::string& text) {
    return complaint([&] { from_ini(text, "run.ini"); });
  };
  EXPECT_EQ(found("lr = 0.1\n\nepoch = 3\n"),
            "run.ini:3: unknown option 'epoch', did you mean 'epochs'?");
  EXPECT_EQ(found("# x\nlr 0.1\n"), "run.ini:2: expected 'name = value', found 'lr 0.1'");
  EXPECT_EQ(found("lr = fast"), "run.ini:1: lr expects a number, found 'fast'");
  EXPECT_EQ(found("lr = 1\nlr = 2"), "run.ini:2: lr is already set on line 1");
  EXPECT_EQ(found("config = b.ini"), "run.ini:1: a config file cannot name another config file");
  EXPECT_EQ(found("out = \"open"), "run.ini:1: expected a closing quote, found \"open");
}

// Byte order marks, line ends and spaces that editors add.
TEST(ConfigFile, IniTakesWhatEditorsWrite) {
  Config expected;
  expected.optimizer.lr = 0.25;
  expected.model.name = "lenet";
  expected.training.freeze = {"a b"};
  const std::vector<std::string> lines{"# a run", "lr = 0.25", "", "\tmodel=lenet # small",
                                       "freeze = \"a b\""};
  for (const std::string mark : {"", "\xef\xbb\xbf"})
    for (const std::string end : {"\n", "\r\n", "\r"}) {
      EXPECT_EQ(from_ini(mark + join(lines, end)), expected);
      EXPECT_EQ(from_ini(mark + join(lines, end) + end), expected);
      EXPECT_EQ(complaint([&] { from_ini(mark + join(lines, end) + end + "x", "run.ini"); }),
                "run.ini:6: expected 'name = value', found 'x'");
    }
}

TEST(ConfigFile, IniSaysWhatIsNoText) {
  const auto found = [](const std::string& text) {
    return complaint([&] { from_ini(text, "run.ini"); });
  };
  EXPECT_EQ(found(std::string("\xff\xfel\0r\0", 6)), "run.ini: expected UTF-8, found UTF-16");
  EXPECT_EQ(found(std::string("\xfe\xff\0l\0r", 6)), "run.ini: expected UTF-8, found UTF-16");
  EXPECT_EQ(found(std::string("l\0r\0", 4)),
            "run.ini: expected UTF-8, found a zero after 1 bytes (a binary file or UTF-16)");
  // invisible characters are escaped, and one option is named, not all
  EXPECT_EQ(found("lr = 0.1\xc2\xa0"), "run.ini:1: lr expects a number, found '0.1\\u00a0'");
  EXPECT_EQ(found("\xe2\x80\x8bmomentum = 1"),
            "run.ini:1: unknown option '\\u200bmomentum', did you mean 'momentum'?");
  EXPECT_EQ(found("colour-of-the-sky = 1"),
            "run.ini:1: unknown option 'colour-of-the-sky'; d2l-train --help lists all");
  EXPECT_EQ(parse_complaint({"--colour-of-the-sky", "1"}),
            "unknown option '--colour-of-the-sky'; d2l-train --help lists all");
  EXPECT_EQ(found("data-dir ="), "run.ini:1: data-dir expects a value, found none");
}

TEST(ConfigFile, PathsInFilesAreExpanded) {
  ::setenv("D2L_TEST_FOLDER", "/scratch/me", 1);
  const std::string home = std::getenv("HOME");
  TemporaryFolder folder;
  const std::string file = (folder.path() / "run.ini").string();
  const auto parsed = [&](const std::string& text) {
    write_text_file(file, text);
    return parse({"--config", file.c_str()}).config;
  };
  const Config config =
      parsed("out = ~/x\ndata = \"${D2L_TEST_FOLDER}/a b\"\ndata-dir = $D2L_TEST_FOLDER");
  EXPECT_EQ(config.run.out, home + "/x");
  EXPECT_EQ(config.data.name, "/scratch/me/a b");
  EXPECT_EQ(config.data.folder, "/scratch/me");
  EXPECT_EQ(parsed("resume = ~").run.resume, home);
  EXPECT_EQ(parsed("normalize = ~$x").images.normalize, "~$x") << "no path";
  EXPECT_EQ(complaint([&] { parsed("\nout = $D2L_TEST_ABSENT/x"); }),
            file +
                ":2: out expects the variable D2L_TEST_ABSENT to be set, found "
                "'$D2L_TEST_ABSENT/x'");
  EXPECT_EQ(complaint([&] { parsed("out = ~you/x"); }).substr(0, file.size() + 14),
            file + ":1: out expect");
}

// A shell has expanded everything except the ~ of `--out=~/x`.
TEST(ConfigFile, PathsOnTheCommandLine) {
  const std::string home = std::getenv("HOME");
  EXPECT_EQ(parse({"--out=~/x"}).config.run.out, home + "/x");
  EXPECT_EQ(parse({"--data-dir", "~"}).config.data.folder, home);
  EXPECT_EQ(parse({"--out", "./~/x"}).config.run.out, "./~/x");
  EXPECT_EQ(parse({"--out", "$D2L_TEST_ABSENT/x"}).config.run.out, "$D2L_TEST_ABSENT/x");
  EXPECT_EQ(parse({"--normalize", "~/x"}).config.images.normalize, "~/x") << "no path";
  EXPECT_EQ(parse_complaint({"--data=~you/x"}).substr(0, 18), "--data expects ~/ ");
  EXPECT_EQ(parse_complaint({"--config=~/absent/x.ini"}).substr(0, 23 + home.size()),
            "--config: cannot read " + home + "/");
}

TEST(ConfigFile, ConfigFilesAreRegularOnesThatCanBeRead) {
  TemporaryFolder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(parse_complaint({"--config", pipe.c_str()}),
            "--config: cannot read " + pipe + ": it is not a regular file");
  EXPECT_EQ(parse_complaint({"--config", "/proc/self/mem"}),
            "--config: cannot read /proc/self/mem: Input/output error");
  // and so is a run's config.ini
  const auto resumed = [&] {
    return message_of([&] { effective_config(parse({"--resume", folder.path().c_str()})); });
  };
  const std::filesystem::path stored = folder.path() / "config.ini";
  std::filesystem::rename(pipe, stored);
  EXPECT_EQ(resumed(), "cannot read " + stored.string() + ": it is not a regular file");
  std::filesystem::remove(stored);
  std::filesystem::create_symlink("/proc/self/mem", stored);
  EXPECT_EQ(resumed(), "cannot read " + stored.string() + ": Input/output error");
}

}  // namespace
}  // namespace d2l::launcher
