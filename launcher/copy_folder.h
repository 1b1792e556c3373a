#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "framework/base/file_lock.h"
#include "framework/base/log.h"
#include "framework/checkpoint/store.h"
#include "framework/train/position.h"
#include "launcher/made_folders.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Throws UsageError if --also-save-to is the run folder, contains it, or is inside of it.
void check_copy_folder(const Config& config);

// The folder of --also-save-to: a run folder with config.ini, the lock and copies of the
// checkpoints, but without metrics and log. --resume can continue the run from it. Rank 0 writes
// it.
class CopyFolder {
 public:
  using Tell = std::function<void(const std::string& message)>;

  // Makes or opens the folder and locks it; nothing remains of a new one unless keep() is called.
  // Throws UsageError if it belongs to another run, and
  // Error if it cannot be used.
  CopyFolder(const Config& config, Tell warn);
  // Call when the run is certain to start, see RunFolder::begin(). The folder gets its config.ini
  // with keep(), when the run folder has its own. Throw Error.
  CheckpointStore& begin(const Config& config, const Position& position,
                         const std::filesystem::path& checkpoint, Log& log);
  void keep(Config config);

 private:
  std::filesystem::path path_;
  Tell warn_;
  MadeFolders folders_;
  FileLock lock_;
  std::optional<CheckpointStore> store_;
};

// The newest valid checkpoint of the run, in its folder or in that of the copies. One that only the
// copies have is first copied to the run folder, where all ranks find it. Skips damaged ones with a
// message to `log`.
std::optional<CheckpointStore::Found> newest_of_both(const Config& config, Log& log);

}  // namespace d2l::launcher
