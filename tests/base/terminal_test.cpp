#include "framework/base/terminal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/support/support.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

// A simulated /proc.
class Ancestors : public testing::Test {
 protected:
  void add(pid_t process, const std::string& name, const fs::path& program, pid_t parent) const {
    const fs::path folder = proc_.path() / std::to_string(process);
    fs::create_directories(folder);
    fs::create_symlink(program, folder / "exe");
    std::ofstream(folder / "stat")
        << process << " (" << name << ") S " << parent << " 1 1 0 -1 4194304 1435 0\n";
  }
  pid_t above(pid_t process) const { return mpirun_above(process, proc_.path()); }

  const test::TemporaryFolder proc_;
};

TEST_F(Ancestors, MpirunIsFoundBehindScripts) {
  add(1, "init", "/sbin/init", 0);
  add(10, "mpirun", "/usr/bin/bash", 1);  // a script of that name
  add(20, "mpirun", "/usr/bin/orterun", 10);
  add(30, "bind ) (x) S 7", "/usr/bin/bash", 20);
  add(40, "d2l-train", "/opt/d2l-train", 30);
  EXPECT_EQ(above(40), 20);
  EXPECT_EQ(above(20), 0);
}

TEST_F(Ancestors, ADaemonOnAnotherHostIsNoMpirun) {
  add(1, "init", "/sbin/init", 0);
  add(20, "orted", "/usr/bin/orted", 1);
  add(40, "d2l-train", "/opt/d2l-train", 20);
  EXPECT_EQ(above(40), 0);
}

TEST_F(Ancestors, TheSearchEnds) {
  add(40, "a", "/a", 50);
  add(50, "b", "/b", 40);
  EXPECT_EQ(above(40), 0);
  EXPECT_EQ(above(60), 0);
}

TEST(Terminal, OtherOutputIsAsWideAsTheEnvironmentSays) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const int output = dup(STDOUT_FILENO);
  dup2(pipe_ends[1], STDOUT_FILENO);
  const Terminal terminal = Terminal::find();
  dup2(output, STDOUT_FILENO);
  for (const int end : {output, pipe_ends[0], pipe_ends[1]}) close(end);
  EXPECT_FALSE(terminal.redraws());
  setenv("COLUMNS", "43", 1);
  EXPECT_EQ(terminal.columns(), 43);
  for (const char* nonsense : {"", "0", "-3", "wide"}) {
    setenv("COLUMNS", nonsense, 1);
    EXPECT_EQ(terminal.columns(), 80) << nonsense;
  }
  unsetenv("COLUMNS");
  EXPECT_EQ(terminal.columns(), 80);
}

// As in the C library: the first of the three variables that is not empty, if its locale exists.
TEST(Locale, HasUtf8) {
  using Variables = std::map<std::string, const char*>;
  const std::pair<Variables, bool> cases[] = {
      {{}, false},
      {{{"LANG", "C.UTF-8"}}, true},
      {{{"LANG", "C"}}, false},
      {{{"LANG", "C.UTF-8"}, {"LC_ALL", "C"}}, false},
      {{{"LANG", "C"}, {"LC_CTYPE", "C.UTF-8"}}, true},
      {{{"LANG", "C"}, {"LC_CTYPE", "C.UTF-8"}, {"LC_ALL", ""}}, true},
      {{{"LANG", "C.UTF-8"}, {"LC_ALL", "POSIX"}}, false},
      {{{"LANG", "no_SUCH.UTF-8"}}, false}};
  for (const auto& [variables, expected] : cases) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) unsetenv(name);
    std::string text;
    for (const auto& [name, value] : variables) {
      setenv(name.c_str(), value, 1);
      text += name + "=" + value + " ";
    }
    EXPECT_EQ(locale_has_utf8(), expected) << text;
  }
}

}  // namespace
}  // namespace d2l
