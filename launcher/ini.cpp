#include "launcher/ini.h"

#include <map>
#include <sstream>

#include "framework/base/text.h"
#include "launcher/options.h"

namespace d2l::launcher {
namespace {

std::string trimmed(const std::string& text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// A '#' opens a comment at the start of a line and after a blank.
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
    value += escaped && text[i] == 'n' ? '\n' : text[i];
  }
  if (i >= text.size()) usage(where, "expected a closing quote, found ", text);
  std::string rest = trimmed(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#')
    usage(where, "expected nothing after the closing quote, found '", rest, "'");
  return value;
}

}  // namespace

std::string quoted_if_need_be(const std::string& text) {
  if (trimmed(text) == text && text.find_first_of("#\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return quoted + '"';
}

Settings parse_ini(const std::string& text, const std::string& source) {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.name != "config") names.push_back(option.name);
  Settings settings;
  std::map<std::string, int> seen;
  std::istringstream stream(text);
  std::string raw;
  for (int number = 1; std::getline(stream, raw); ++number) {
    std::string line = trimmed(raw), where = concat(source, ":", number, ": ");
    if (line.empty() || line[0] == '#') continue;
    size_t equals = line.find('=');
    if (equals == std::string::npos) usage(where, "expected 'name = value', found '", line, "'");
    std::string name = trimmed(line.substr(0, equals));
    if (name == "config") usage(where, "a config file cannot name another");
    if (find_option(name) == nullptr) usage(where, unknown_name("option", name, names));
    auto [first, is_new] = seen.emplace(name, number);
    if (!is_new) usage(where, name, " is already set on line ", first->second);
    settings.push_back({name, where + name, value_of(trimmed(line.substr(equals + 1)), where)});
  }
  return settings;
}

}  // namespace d2l::launcher
