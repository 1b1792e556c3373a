#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/file_lock.h"
#include "framework/base/log.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// The folder of a cross-validation, which the job's rank 0 writes: config.ini, log.txt, kfold.csv,
// and a lock that admits one job at a time. Each fold has a RunFolder in it. Nothing remains of a
// new folder if the job ends before a fold has begun.
class FoldsFolder {
 public:
  using Tell = std::function<void(const std::string& message)>;

  // As RunFolder: creates the folder, or opens that of --resume, and locks it. Opens its log.
  // Throws Error if another job uses it, or if it already contains a run and this is a new one.
  FoldsFolder(const Config& config, Log& log, Tell lost);
  ~FoldsFolder();
  FoldsFolder(const FoldsFolder&) = delete;
  FoldsFolder& operator=(const FoldsFolder&) = delete;

  // Replaces kfold.csv and returns its path. Throws Error.
  std::filesystem::path write_results(const std::string& csv);

 private:
  // Removes, at destruction, what was created, unless a fold has begun. Destroyed after the lock.
  struct Leftovers {
    ~Leftovers();
    std::filesystem::path path;
    int64_t folds = 0;
    std::vector<std::filesystem::path> folders = {}, files = {};
  };

  std::filesystem::path path_;
  Leftovers made_;
  std::optional<FileLock> lock_;
};

// Whether the fold has a run in this folder, which --resume can continue.
bool has_fold_run(const std::filesystem::path& folder, int64_t fold);

}  // namespace d2l::launcher
