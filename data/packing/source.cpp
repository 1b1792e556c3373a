#include "data/packing/source.h"

namespace d2l::data {

std::string name_from_path(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  const fs::path whole = fs::absolute(path).lexically_normal();
  std::string name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return name;
  return name.substr(0, name.find('.', 1));
}

}  // namespace d2l::data
