#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/file_lock.h"
#include "framework/base/log.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/communicator.h"
#include "framework/train/metrics_file.h"
#include "framework/train/position.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Tells a new run from all others: in its config.ini, its checkpoints and its metrics. Rank 0's for
// everybody; every rank makes this call.
std::string new_run_id(Communicator& comm);

// Throws Error unless the checkpoint is one of this run.
void check_run(const CheckpointStore::Found& found, const Config& config);

// What rank 0 writes: the folder of a run. It is held by one job at a time, and a run is never
// overwritten. A start that fails before begin() has returned leaves a run as it was, and of a new
// one nothing.
class RunFolder {
 public:
  using Tell = std::function<void(const std::string& message)>;

  // Makes the folder of a new run, or takes that of an old one, and holds it. Throws Error where
  // another job works in it, and for a new run where there is one already. `lost` ends the job: it
  // is called, from any thread, when the folder is another job's by now.
  RunFolder(const Config& config, Tell warn, Tell lost);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Once the run is known to begin, or to go on with `config` after `position` from `checkpoint`
  // (nothing: from none), it is written down; `log` opens its file. All that may be refused is
  // looked at first. Throws Error.
  void begin(const Config& config, const Position& position,
             const std::filesystem::path& checkpoint, Log& log);

  // After begin().
  CheckpointStore& store() { return *store_; }
  MetricsFile& metrics() { return *metrics_; }

 private:
  // Those that were made for it; gone again, as far as they are empty, unless kept.
  class MadeFolders {
   public:
    explicit MadeFolders(const std::filesystem::path& folder);
    ~MadeFolders();
    MadeFolders(const MadeFolders&) = delete;
    MadeFolders& operator=(const MadeFolders&) = delete;
    void keep() { made_.clear(); }

   private:
    std::vector<std::filesystem::path> made_;
  };

  std::filesystem::path in(const char* name) const { return path_ / name; }
  void check_new() const;
  void write_config(const Config& config) const;

  std::filesystem::path path_;
  Tell warn_;
  MadeFolders folders_;
  std::vector<std::filesystem::path> absent_;  // files and folders that begin() makes
  FileLock lock_;
  bool begun_ = false;
  std::optional<CheckpointStore> store_;
  std::optional<MetricsFile> metrics_;
};

}  // namespace d2l::launcher
