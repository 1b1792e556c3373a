#include "framework/base/path_text.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "framework/base/error.h"

namespace d2l {
namespace {

// For error messages: the option and its whole value.
struct Written {
  const std::string &label, &path;
};

template <class... Parts>
[[noreturn]] void refuse(const Written& written, const Parts&... parts) {
  throw UsageError(concat(written.label, " ", parts..., ", found '", written.path, "'"));
}

std::string variable(const std::string& name, const Written& written) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0')
    refuse(written, "expects the variable ", name,
           value == nullptr ? " to be set" : " not to be empty");
  return value;
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Appends the expansion of the dollar sign at position `at`. Returns the position after it.
size_t expand_dollar(size_t at, const Written& written, std::string& result) {
  const std::string& path = written.path;
  if (path.compare(at, 2, "$$") == 0) {
    result += '$';
    return at + 2;
  }
  const bool braced = path.compare(at, 2, "${") == 0;
  const size_t begin = at + (braced ? 2 : 1);
  size_t end = begin;
  while (end < path.size() && is_name_character(path[end])) ++end;
  const bool closed = !braced || (end < path.size() && path[end] == '}');
  const bool named = end > begin && std::isdigit(static_cast<unsigned char>(path[begin])) == 0;
  if (!closed || !named) refuse(written, "expects $NAME or ${NAME}, or $$ for a dollar sign");
  result += variable(path.substr(begin, end - begin), written);
  return end + (braced ? 1 : 0);
}

// The folder that a leading ~ denotes; empty if there is none.
std::string home(const Written& written) {
  if (!written.path.starts_with('~')) return "";
  if (written.path.size() > 1 && written.path[1] != '/')
    refuse(written, "expects ~/ for your home folder, or ./~ for a name that begins with ~");
  return variable("HOME", written);
}

}  // namespace

std::string expand_home(const std::string& label, const std::string& path) {
  const std::string begin = home({label, path});
  return begin + path.substr(begin.empty() ? 0 : 1);
}

std::string expand_path(const std::string& label, const std::string& path) {
  const Written written{label, path};
  std::string result = home(written);
  for (size_t at = result.empty() ? 0 : 1; at < path.size();) {
    if (path[at] == '$')
      at = expand_dollar(at, written, result);
    else
      result += path[at++];
  }
  return result;
}

std::string unexpanded_path(const std::string& path) {
  std::string text;
  for (const char c : path) text += c == '$' ? std::string("$$") : std::string(1, c);
  return text;
}

std::string absolute_path(const std::string& path) {
  std::string text = std::filesystem::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace d2l
