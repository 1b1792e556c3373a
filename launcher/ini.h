#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

struct Option;

// One option as somebody wrote it; `label` is what errors call it: "--lr" or "train.ini:3: lr".
struct Setting {
  std::string name, label, value;
};
using Settings = std::vector<Setting>;

// The `name = value` lines of a text: UTF-8, with or without a byte order mark, lines that end as
// any system ends them. In paths `~/` and variables are replaced (path_text.h). Throws UsageError,
// with `source` and the line's number, for lines of another form, options that do not exist and
// ones that are set twice.
Settings parse_ini(const std::string& text, const std::string& source);

// The option's value as parse_ini() reads it back: in quotes, with \", \\, \n and \r inside, where
// trimming and comments would change it, with $$ for a $ in a path.
std::string ini_value(const Option& option, const std::string& value);

}  // namespace d2l::launcher
