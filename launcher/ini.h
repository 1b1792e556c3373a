#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

// One option as somebody wrote it; `label` is what errors call it: "--lr" or "train.ini:3: lr".
struct Setting {
  std::string name, label, value;
};
using Settings = std::vector<Setting>;

// The `name = value` lines of a text. Throws UsageError, with `source` and the line's number, for
// lines of another form, options that do not exist and ones that are set twice.
Settings parse_ini(const std::string& text, const std::string& source);

// As a value that parse_ini() reads back: in quotes, with \", \\ and \n inside, where trimming and
// comments would change it.
std::string quoted_if_need_be(const std::string& text);

}  // namespace d2l::launcher
