#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "framework/base/file_lock.h"

namespace d2l::data {

// The output folder of one split and a staging folder in it for unfinished files. While it exists,
// no other process packs this split into the folder. Destruction removes the staging folder, and
// the output folder if it was made here and is empty.
class PackFolder {
 public:
  // Throws Error if the folder cannot be made or written to, contains shards of this split or a
  // table, or if another process packs into it.
  PackFolder(const std::filesystem::path& out, Split split,
             const std::function<void(const std::string&)>& warn);
  ~PackFolder();
  PackFolder(const PackFolder&) = delete;
  PackFolder& operator=(const PackFolder&) = delete;

  const std::filesystem::path& staging() const { return path_; }
  // Throws Error if another process has taken over the lock because it considered this one dead.
  void check_held() { lock_->check_held(); }

 private:
  void lock(Split split, const std::function<void(const std::string&)>& warn);
  void remove_staging() const;
  void leave();

  bool made_;
  std::filesystem::path out_;
  std::string staging_;  // prefix of the names of staging folders
  std::optional<FileLock> lock_;
  std::filesystem::path path_;
};

}  // namespace d2l::data
