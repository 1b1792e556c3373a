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
    // Called before anything is written, and again before a file that was written takes its name,
    // since the process may have been stopped meanwhile; throws Error where nothing may be written
    // any more. From the background thread too.
    std::function<void()> check_held = [] {};
    // What the run goes on from, if anything: it stays until something newer is on disk. Without it
    // the newest valid one of the folder is taken for that when there is no room.
    std::filesystem::path newest = {};
  };

  // Makes the folder if need be and proves that it can be written. Removes what writers that died
  // have left. Throws Error.
  CheckpointStore(std::filesystem::path folder, Options options);
  // Waits for the save under way.
  ~CheckpointStore();
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  // Waits for the save under way, then starts this one; where the system has no thread for it, the
  // caller does it. A save that fails is retried once; a second failure becomes a warning and the
  // older checkpoints stay. Where the disk is full, the oldest ones make room, up to the newest
  // that is valid, which stays; best.h5 goes last. `is_best` also makes it best.h5 (a hard link, so
  // it outlives its step's file).
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
  // Reads and verifies one. Throws Error, also where a file that is named for a step holds the
  // state of another.
  static Found read(const std::filesystem::path& path);
  // The newest checkpoint of `folder` that read() and `accept`, which throws Error otherwise, find
  // to be good; others are named to `warn` and skipped. Nothing when there is none. An absent
  // folder has none. When no step's file is good, best.h5 is the last resort.
  static std::optional<Found> newest_valid(
      const std::filesystem::path& folder,
      const std::function<void(const std::string& message)>& warn,
      const std::function<void(const Found& found)>& accept = [](const Found&) {});
  // Where the checkpoint of `step` lies, or would lie.
  static std::filesystem::path path_of(const std::filesystem::path& folder, int64_t step);
  // The steps for which a file exists, ascending.
  static std::vector<int64_t> steps(const std::filesystem::path& folder);

 private:
  void write(int64_t step, const Snapshot& snapshot, bool is_best);
  bool write_step(int64_t step, const Snapshot& snapshot);
  void write_file(const std::filesystem::path& path, int64_t step, const Snapshot& snapshot);
  void renew_best(int64_t step, const Snapshot& snapshot);
  // For the checkpoint of a step. False where there is nothing that may go.
  bool make_room(int64_t step);
  // Deletes all but the `keep` newest up to `newest`, which is on disk.
  void prune(int64_t newest) const;

  std::filesystem::path folder_;
  Options options_;
  std::thread writer_;
  bool last_save_ok_ = true;      // read after writer_ was joined
  std::filesystem::path newest_;  // see Options
  bool said_no_room_ = false, said_no_thread_ = false;
};

}  // namespace d2l
