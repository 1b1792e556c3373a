#include "data/folder_content.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNames = 6;

}  // namespace

bool holds_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  check(!error || status.type() == fs::file_type::not_found, "cannot look at ", path.string(), ": ",
        error.message());
  return fs::is_regular_file(status);
}

std::string content_text(const fs::path& folder, const std::string& of_interest) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return "does not exist";
  if (!error && !fs::is_directory(status)) return "is not a folder";
  std::vector<std::pair<bool, std::string>> found;  // false: of interest, so they sort first
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    found.emplace_back(name.find(of_interest) == std::string::npos,
                       name + (entry->is_directory(ignored) ? "/" : ""));
  }
  if (error) return concat("cannot be read (", error.message(), ")");
  if (found.empty()) return "is empty";
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(found.size(), kMostNames); ++i) names.push_back(found[i].second);
  return concat(
      "contains ", join(names, ", "),
      found.size() > kMostNames ? concat(" and ", found.size() - kMostNames, " more") : "");
}

}  // namespace d2l::data
