#include <algorithm>
#include <cctype>
#include <map>
#include <regex>

#include "framework/base/error.h"
#include "tests/structure/source_tree.h"

namespace d2l::structure {

namespace {

constexpr size_t kFileLines = 500;
constexpr size_t kFunctionLines = 60;
constexpr size_t kBackendLines = 300;
constexpr size_t kKernelVirtuals = 45;
constexpr size_t kCommunicatorVirtuals = 8;  // with the destructor

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), std::string::npos, end) == 0;
}

bool is_cpp(const SourceFile& file) {
  return ends_with(file.path, ".h") || ends_with(file.path, ".cpp") ||
         ends_with(file.path, ".cu") || ends_with(file.path, ".cuh");
}

bool is_code(const SourceFile& file) {
  return is_cpp(file) || ends_with(file.path, ".py") || ends_with(file.path, ".sh") ||
         ends_with(file.path, ".cmake") || ends_with(file.path, "CMakeLists.txt");
}

bool starts_with_word(const std::string& line, const std::string& word) {
  return line.compare(0, word.size(), word) == 0 &&
         (line.size() == word.size() ||
          !std::isalnum(static_cast<unsigned char>(line[word.size()])));
}

// Whether a line that starts at the left margin can be the head of a function. With clang-format,
// only the head and the closing brace of a function start there.
bool is_head(const std::string& line) {
  if (line.empty() || (!std::isalpha(static_cast<unsigned char>(line[0])) && line[0] != '_'))
    return false;
  for (const char* word : {"namespace", "class", "struct", "enum", "union", "template", "extern"})
    if (starts_with_word(line, word)) return false;
  return true;
}

void check_functions(const SourceFile& file, Faults& faults) {
  size_t head = 0;  // line number, 0 if none is open
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (is_head(line))
      head = i + 1;
    else if (line == "}" && head > 0) {
      if (i + 2 - head > kFunctionLines)
        faults.push_back(concat(file.path, ":", head, ": a function of ", i + 2 - head,
                                " lines, at most ", kFunctionLines));
      head = 0;
    } else if (!line.empty() && line[0] == '}') {
      head = 0;
    }
  }
}

}  // namespace

Faults check_sizes(const std::vector<SourceFile>& tree) {
  Faults faults;
  for (const SourceFile& file : tree) {
    if (is_code(file) && file.lines.size() > kFileLines)
      faults.push_back(
          concat(file.path, ":1: ", file.lines.size(), " lines, at most ", kFileLines));
    if (is_cpp(file)) check_functions(file, faults);
  }
  return faults;
}

Faults check_headers(const std::vector<SourceFile>& tree) {
  Faults faults;
  for (const SourceFile& file : tree)
    if (ends_with(file.path, ".h") &&
        std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
      faults.push_back(concat(file.path, ":1: a header without #pragma once"));
  return faults;
}

// Two types of one name in two headers can break programs silently: no file includes both, and the
// linker keeps only one of their template instances.
Faults check_names(const std::vector<SourceFile>& tree) {
  static const std::regex kNamespace(R"(namespace ([\w:]+) \{)");
  static const std::regex kType(
      R"((?:struct|class|enum class|union) (\w+)(?: final)?(?: : .*)? \{.*)");
  std::map<std::string, std::string> seen;
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!ends_with(file.path, ".h")) continue;
    std::string scope;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch found;
      if (std::regex_match(file.lines[i], found, kNamespace)) scope = found[1];
      if (!std::regex_match(file.lines[i], found, kType)) continue;
      const std::string place = concat(file.path, ":", i + 1), name = concat(scope, "::", found[1]);
      const auto [other, is_new] = seen.emplace(name, place);
      if (!is_new)
        faults.push_back(concat(place, ": ", name, " is a type of ", other->second, " too"));
    }
  }
  return faults;
}

Faults check_conditionals(const std::vector<SourceFile>& tree) {
  Faults places;
  size_t lines = 0;
  for (const SourceFile& file : tree) {
    if (!is_cpp(file)) continue;
    lines += file.lines.size();
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      size_t word = line.find_first_not_of(" \t#");
      if (!line.empty() && line[0] == '#' && word != std::string::npos &&
          (line.compare(word, 2, "if") == 0 || line.compare(word, 4, "elif") == 0))
        places.push_back(concat(file.path, ":", i + 1, ": ", line));
    }
  }
  if (places.empty() || places.size() * 1000 < lines) return {};
  places.push_back(concat("in all ", places.size(), " #if on ", lines,
                          " lines, allowed is less than 1 per 1000"));
  return places;
}

Faults check_interfaces(const std::vector<SourceFile>& tree) {
  const auto virtuals_of = [](const SourceFile& file) {
    return static_cast<size_t>(
        std::count_if(file.lines.begin(), file.lines.end(),
                      [](const std::string& line) { return line.rfind("  virtual ", 0) == 0; }));
  };
  Faults faults;
  size_t kernels = 0;
  for (const SourceFile& file : tree) {
    if (file.path.rfind("framework/backend/kernels/", 0) == 0) kernels += virtuals_of(file);
    if (file.path == "framework/backend/backend.h" && file.lines.size() > kBackendLines)
      faults.push_back(
          concat(file.path, ":1: ", file.lines.size(), " lines, at most ", kBackendLines));
    if (file.path != "framework/comm/communicator.h") continue;
    const size_t virtuals = virtuals_of(file);
    if (virtuals > kCommunicatorVirtuals)
      faults.push_back(concat(file.path, ":1: ", virtuals, " virtual functions, at most ",
                              kCommunicatorVirtuals));
  }
  if (kernels > kKernelVirtuals + 1)  // and the destructor
    faults.push_back(
        concat("framework/backend/kernels: ", kernels - 1, " kernels, at most ", kKernelVirtuals));
  return faults;
}

// OpenMP may provide fewer threads than the team for which work is divided: only one place
// determines and checks their number.
Faults check_teams(const std::vector<SourceFile>& tree) {
  const std::string home = "framework/backend/cpu/parallel.";
  static const std::regex kOpenMp(R"(^\s*#\s*pragma omp\b|\bomp_[gs]et_)");
  Faults faults;
  for (const SourceFile& file : tree) {
    if (!is_cpp(file) || file.path.compare(0, home.size(), home) == 0) continue;
    for (size_t i = 0; i < file.lines.size(); ++i)
      if (std::regex_search(file.lines[i], kOpenMp))
        faults.push_back(
            concat(file.path, ":", i + 1, ": speaks to OpenMP, which ", home, "h is for"));
  }
  return faults;
}

Faults check_words(const std::vector<SourceFile>& tree) {
  Faults faults;
  // in two parts, so that this file passes the check too
  const std::string words[] = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "XX"
      "X:"};
  for (const SourceFile& file : tree)
    for (size_t i = 0; i < file.lines.size(); ++i)
      for (const std::string& word : words)
        if (file.lines[i].find(word) != std::string::npos)
          faults.push_back(concat(file.path, ":", i + 1, ": contains ", word));
  return faults;
}

}  // namespace d2l::structure
