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
#include "framework/train/event_file.h"
#include "framework/train/metrics_file.h"
#include "framework/train/position.h"
#include "launcher/copy_folder.h"
#include "launcher/made_folders.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Makes the random identifier of a new run, for its config.ini, checkpoints and metrics. Returns
// rank 0's on all ranks. Collective.
std::string new_run_id(Communicator& comm);

// Throws Error unless the checkpoint belongs to this run.
void check_run(const CheckpointStore::Found& found, const Config& config);

// Whether the file, which another process writes, exists within this time.
bool appears(const std::filesystem::path& file, double seconds);

// For ranks that have not written `file`: throws Error if it does not appear within ten seconds,
// since the ranks then do not share its folder.
void check_is_shared(const std::filesystem::path& file);

// The folder of a run without --out.
std::string default_folder(const Config& config);

// The folder of a run, which rank 0 writes. A lock admits one job at a time, and a run is never
// overwritten. If the start fails before begin() returns, an existing run is unchanged and nothing
// remains of a new one.
class RunFolder {
 public:
  using Tell = std::function<void(const std::string& message)>;

  // Creates the folder of a new run, or opens that of an old one, and locks it. Throws Error if
  // another job uses it, or if it already contains a run and this is a new one; the same for the
  // folder of --also-save-to, except that a run that continues does without it if it cannot be
  // used. `lost` must end the job: it is called, from any thread, when another job has taken over
  // the folder. `trace` records the saves, if it is not null.
  RunFolder(const Config& config, Trace* trace, Tell warn, Tell lost);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Call when the run is certain to start, or to continue with `config` after `position` from
  // `checkpoint` (empty: none). Writes the config, opens the metrics, the checkpoint store and the
  // file of `log`, which notes each checkpoint and must outlive this object. Everything that can be
  // rejected must be checked before. Throws Error.
  void begin(const Config& config, const Position& position,
             const std::filesystem::path& checkpoint, Log& log);

  // After begin().
  CheckpointStore& store() { return *store_; }
  MetricsFile& metrics() { return *metrics_; }

 private:
  std::filesystem::path in(const char* name) const { return path_ / name; }
  void check_new() const;
  void open_copies(const Config& config);
  void write_config(const Config& config) const;

  std::filesystem::path path_;
  Tell warn_;
  MadeFolders folders_;
  std::vector<std::filesystem::path> absent_;  // files and folders that begin() creates
  FileLock lock_;
  Trace* trace_;
  bool begun_ = false;
  std::optional<CopyFolder> copies_;  // --also-save-to; the store uses it
  std::optional<CheckpointStore> store_;
  std::optional<EventFile> events_;  // --tensorboard; the metrics use it
  std::optional<MetricsFile> metrics_;
};

}  // namespace d2l::launcher
