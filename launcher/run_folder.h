#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "framework/base/file_lock.h"
#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "framework/train/metrics_file.h"
#include "launcher/config.h"

namespace d2l::launcher {

// What rank 0 writes. The folder of a new run is made, that of an old one taken; a run is never
// overwritten, and never written by two jobs at a time.
class RunFolder {
 public:
  using Warn = std::function<void(const std::string&)>;

  // Throws Error where another job works in it, and for a new run where there is one already.
  RunFolder(const Config& config, Warn warn);

  // Once the run is known to go on with `config` after `step`, this is what a next --resume reads.
  MetricsFile* go_on(const Config& config, int64_t step);

  CheckpointStore& store() { return store_; }

 private:
  std::filesystem::path path_;
  Warn warn_;
  FileLock lock_;
  CheckpointStore store_;
  std::optional<MetricsFile> metrics_;
};

}  // namespace d2l::launcher
