#include "framework/base/path_text.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "framework/base/error.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// Sets an environment variable while the object exists; nullptr: unset.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    const char* before = std::getenv(name);
    had_ = before != nullptr;
    if (had_) before_ = before;
    set(value);
  }
  ~Environment() { set(had_ ? before_.c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) {
    if (value == nullptr)
      ::unsetenv(name_);
    else
      ::setenv(name_, value, 1);
  }

  const char* name_;
  std::string before_;
  bool had_;
};

std::string home_of(const std::string& path) { return expand_home("--out", path); }
std::string path_of(const std::string& path) { return expand_path("out", path); }

TEST(PathText, HomeIsExpandedAtTheBeginningOnly) {
  const Environment home("HOME", "/home/me$x");
  for (auto* expand : {home_of, path_of}) {
    EXPECT_EQ(expand("~"), "/home/me$x");
    EXPECT_EQ(expand("~/runs/a"), "/home/me$x/runs/a");
    for (const char* same : {"", "a", "a~", "./~", "./~/x", "/~/x", "a/~/b"})
      EXPECT_EQ(expand(same), same);
  }
  EXPECT_EQ(home_of("runs/$X"), "runs/$X");  // a shell has already expanded it
  EXPECT_EQ(message_of([] { home_of("~bob/runs"); }),
            "--out expects ~/ for your home folder, or ./~ for a name that begins with ~, found "
            "'~bob/runs'");
  EXPECT_EQ(message_of([] { path_of("~x"); }).substr(0, 14), "out expects ~/");
  const Environment none("HOME", nullptr);
  EXPECT_EQ(message_of([] { home_of("~/x"); }),
            "--out expects the variable HOME to be set, found '~/x'");
}

TEST(PathText, VariablesOfTheEnvironment) {
  const Environment home("HOME", "/home/me"), a("D2L_A", "/data"), b("D2L_B2", "$D2L_A");
  EXPECT_EQ(path_of("$D2L_A"), "/data");
  EXPECT_EQ(path_of("$D2L_A/x"), "/data/x");
  EXPECT_EQ(path_of("~/${D2L_B2}x$D2L_A-y"), "/home/me/$D2L_Ax/data-y");  // expanded only once
  EXPECT_EQ(path_of("a$$b$$$D2L_A"), "a$b$/data");
  EXPECT_EQ(message_of([] { path_of("$D2L_ABSENT/x"); }),
            "out expects the variable D2L_ABSENT to be set, found '$D2L_ABSENT/x'");
  const Environment empty("D2L_A", "");
  EXPECT_EQ(message_of([] { path_of("${D2L_A}/x"); }),
            "out expects the variable D2L_A not to be empty, found '${D2L_A}/x'");
  for (const std::string wrong : {"a$", "$/x", "$5", "${HOME", "${HOME:-x}/y", "${}", "$(pwd)"})
    EXPECT_EQ(message_of([&] { path_of(wrong); }),
              "out expects $NAME or ${NAME}, or $$ for a dollar sign, found '" + wrong + "'");
}

TEST(PathText, WhatIsWrittenIsReadBack) {
  for (const std::string path : {"/a", "/$HOME/$x$$/${", "$", "a b"})
    EXPECT_EQ(path_of(unexpanded_path(path)), path);
}

}  // namespace
}  // namespace d2l::test
