#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "framework/checkpoint/snapshot.h"

namespace d2l {

// A run's folder of checkpoints, step-NNNNNNNN.h5, newest last. One process writes it. Saving
// happens on a background thread from the snapshot's own memory; at most one save is under way.
class CheckpointStore {
 public:
  struct Options {
    int keep = 3;  // how many of the newest stay; at least 1. The best one stays besides.
    // Told about anything that is not fatal: a damaged file that was skipped, a save that failed.
    // Called from the background thread too.
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
  };

  // Makes the folder if need be and proves that it can be written. Removes leftovers of unfinished
  // saves. Throws Error.
  CheckpointStore(std::filesystem::path folder, Options options);
  // Waits for the save under way.
  ~CheckpointStore();
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  // Waits for the save under way, then starts this one. A save that fails is retried once under a
  // new temporary file; a second failure becomes a warning and the older checkpoints stay.
  // `is_best` also makes it best.h5 (a hard link, so it outlives its step's file).
  void save(int64_t step, Snapshot snapshot, bool is_best = false);
  // Waits for the save under way. True when the newest save is on disk.
  bool wait();

  // For a run that goes back to `step`: later checkpoints, and best.h5 if it is one of them, move
  // to a folder of their own, superseded/, where nothing looks for checkpoints. Throws Error.
  void set_aside_after(int64_t step);

  std::filesystem::path path_of(int64_t step) const;
  const std::filesystem::path& folder() const { return folder_; }

  struct Found {
    std::filesystem::path path;
    Snapshot snapshot;
  };
  // The newest checkpoint of `folder` that verifies; damaged ones are named to `warn` and skipped.
  // Nothing when there is none. An absent folder has none. When every step's file is damaged,
  // best.h5 is the last resort.
  static std::optional<Found> newest_valid(
      const std::filesystem::path& folder,
      const std::function<void(const std::string& message)>& warn);
  // Where the checkpoint of `step` lies, or would lie.
  static std::filesystem::path path_of(const std::filesystem::path& folder, int64_t step);
  // The steps for which a file exists, ascending.
  static std::vector<int64_t> steps(const std::filesystem::path& folder);

 private:
  void write(int64_t step, const Snapshot& snapshot, bool is_best);
  // Deletes all but the `keep` newest up to `newest`, which is on disk.
  void prune(int64_t newest) const;

  std::filesystem::path folder_;
  Options options_;
  std::thread writer_;
  bool last_save_ok_ = true;  // read after writer_ was joined
};

}  // namespace d2l
