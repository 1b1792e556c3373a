#include "launcher/ini.h"

#include <algorithm>
#include <map>

#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/former_options.h"
#include "launcher/options/options.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

std::string trimmed(const std::string& text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// A '#' starts a comment at the start of a line and after a space or tab.
std::string without_comment(const std::string& line) {
  for (size_t i = 0; i < line.size(); ++i)
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
      return line.substr(0, i);
  return line;
}

std::string value_of(const std::string& text, const std::string& where) {
  if (text.empty() || text[0] != '"') return trimmed(without_comment(text));
  std::string value;
  size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    bool escaped = text[i] == '\\' && i + 1 < text.size();
    if (escaped) ++i;
    value += !escaped ? text[i] : text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
  }
  if (i >= text.size()) usage(where, "expected a closing quote, found ", text);
  std::string rest = trimmed(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#')
    usage(where, "expected nothing after the closing quote, found '", rest, "'");
  return value;
}

std::string quoted_if_need_be(const std::string& text) {
  if (trimmed(text) == text && text.find_first_of("#\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : c == '\r' ? "\\r" : std::string(1, c);
  }
  return quoted + '"';
}

// Removes the byte order mark that some editors write. Throws UsageError for UTF-16 and binary
// data.
std::string plain_text(const std::string& text, const std::string& source) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    usage(source, ": expected UTF-8, found UTF-16");
  const size_t zero = text.find('\0');
  if (zero != std::string::npos)
    usage(source, ": expected UTF-8, found a zero after ", zero,
          " bytes (a binary file or UTF-16)");
  const std::string mark = "\xef\xbb\xbf";
  return text.substr(text.starts_with(mark) ? mark.size() : 0);
}

// Lines end with \n, \r\n or \r.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

std::vector<std::string> names_in_files() {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.name != "config") names.push_back(option.name);
  return names;
}

}  // namespace

std::string ini_value(const Option& option, const std::string& value) {
  return quoted_if_need_be(option.is_path ? unexpanded_path(value) : value);
}

Settings parse_ini(const std::string& text, const std::string& source) {
  Settings settings;
  FormerOptions former;
  std::map<std::string, int> seen;
  int number = 0;
  for (const std::string& raw : lines_of(plain_text(text, source))) {
    std::string line = trimmed(raw), where = concat(source, ":", ++number, ": ");
    if (line.empty() || line[0] == '#') continue;
    size_t equals = line.find('=');
    if (equals == std::string::npos) usage(where, "expected 'name = value', found '", line, "'");
    std::string name = trimmed(line.substr(0, equals));
    if (name == "config") usage(where, "a config file cannot name another config file");
    auto [first, is_new] = seen.emplace(name, number);
    if (!is_new) usage(where, name, " is already set on line ", first->second);
    std::string value = value_of(trimmed(line.substr(equals + 1)), where);
    const std::string label = concat(where, name);
    if (former.take({name, label, value})) continue;
    const Option* option = find_option(name);
    if (option == nullptr)
      usage(where, unknown_name("option", name, names_in_files(), "d2l-train --help"));
    if (value.empty() && !option->member->text(Config()).empty())
      usage(label, " expects a value, found none");
    if (option->is_path) value = expand_path(label, value);
    settings.push_back({name, label, value});
  }
  former.add_to(settings);
  return settings;
}

}  // namespace d2l::launcher
