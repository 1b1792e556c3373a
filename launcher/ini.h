#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

struct Option;

// An option as the user wrote it. `label` names it in errors: "--lr" or "train.ini:3: lr".
struct Setting {
  std::string name, label, value;
};
using Settings = std::vector<Setting>;

// Parses the `name = value` lines of a UTF-8 text, with or without a byte order mark, with line
// ends of any system. Expands `~/` and variables in paths (path_text.h). Throws UsageError with
// `source` and the line number for other lines, unknown options and options that are set twice.
// Options of earlier versions become today's (former_options.h).
Settings parse_ini(const std::string& text, const std::string& source);

// The option's value in the form that parse_ini() reads back: in quotes, with \", \\, \n and \r as
// escapes, if trimming or comments would change it; with $$ for a $ in a path.
std::string ini_value(const Option& option, const std::string& value);

}  // namespace d2l::launcher
