#pragma once

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "framework/base/files.h"

namespace d2l::launcher {

// A writable folder and its parents, see make_writable_folder(). Those that this object has created
// are removed at destruction if they are empty, unless kept.
class MadeFolders {
 public:
  explicit MadeFolders(const std::filesystem::path& folder) : made_(make_writable_folder(folder)) {}
  ~MadeFolders() {
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());
  }
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  void keep() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;
};

}  // namespace d2l::launcher
