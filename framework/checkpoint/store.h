#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "framework/base/trace.h"
#include "framework/checkpoint/snapshot.h"

namespace d2l {

// A run's folder of checkpoints named step-NNNNNNNN.h5. Only one process writes to it. A background
// thread saves directly from the snapshot's memory; at most one save runs at a time.
class CheckpointStore {
 public:
  struct Options {
    int keep = 3;  // how many of the newest to keep, at least 1; the best is kept as well
    // The seconds before each further attempt, if a save fails.
    std::vector<double> pauses = {0.1, 1, 5};
    // Called with each problem that is not fatal: a skipped damaged file, a failed save. Also
    // called from the background thread.
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
    // Called with the step of each checkpoint that is on disk, and whether it is also best.h5. Also
    // called from the background thread.
    std::function<void(int64_t step, bool is_best)> saved = [](int64_t, bool) {};
    // Called before each write and again before a written file is renamed to its final name, since
    // the process may have been suspended in between. Throws Error if this process may no longer
    // write. Also called from the background thread.
    std::function<void()> check_held = [] {};
    // Gets the same checkpoints after this store, from the same thread. It must outlive this store;
    // nobody else may save with it.
    CheckpointStore* copies = nullptr;
    // The checkpoint that the run resumes from, if any: it is kept until a newer one is on disk. If
    // empty and the disk is full, the newest valid checkpoint in the folder is kept instead.
    std::filesystem::path newest = {};
    Trace* trace = nullptr;  // records the saves; nullptr: nothing does
  };

  // Creates the folder if necessary and checks that it is writable. Removes temporary files of
  // writers that died. Throws Error.
  CheckpointStore(std::filesystem::path folder, Options options);
  // Waits for the current save, without pauses.
  ~CheckpointStore();
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  // Waits for the current save, without pauses, then starts this one; if the system cannot start a
  // thread, the caller saves. After an error, tries again with a new file after each of `pauses`.
  // One warning says how many attempts there were; older checkpoints are kept. If the disk is full,
  // deletes the oldest checkpoints to make room, best.h5 last, but never the newest valid one; if
  // there is still no room, does not try again. `is_best` also makes this checkpoint best.h5 (a
  // hard link, so that it outlives the step's file).
  void save(int64_t step, Snapshot snapshot, bool is_best = false);
  // Waits for the current save with all its attempts, and for its copy. Returns whether the newest
  // save is on disk, in this store's folder.
  bool wait();

  // Call when a run goes back to `step`: moves later checkpoints, and best.h5 if it is one of them,
  // to the subfolder superseded/, where no search for checkpoints finds them. Throws Error.
  void set_aside_after(int64_t step);

  std::filesystem::path path_of(int64_t step) const;
  const std::filesystem::path& folder() const { return folder_; }

  struct Found {
    std::filesystem::path path;
    Snapshot snapshot;
  };
  // Reads and verifies one checkpoint. Throws Error, also if the file name's step differs from the
  // stored one.
  static Found read(const std::filesystem::path& path);
  // The newest checkpoint of `folder` that both read() and `accept` accept (they throw Error
  // otherwise). Skips the others with a message to `warn`. Falls back to best.h5 if no step's file
  // is valid. With after_step >= 0, considers only files of later steps. Nothing if there is no
  // valid checkpoint or no folder.
  static std::optional<Found> newest_valid(
      const std::filesystem::path& folder,
      const std::function<void(const std::string& message)>& warn,
      const std::function<void(const Found& found)>& accept = [](const Found&) {},
      int64_t after_step = -1);
  // The path of the checkpoint of `step`, which need not exist.
  static std::filesystem::path path_of(const std::filesystem::path& folder, int64_t step);
  // The steps for which a file exists, ascending.
  static std::vector<int64_t> steps(const std::filesystem::path& folder);

 private:
  // Writes to this folder, and then to that of the copies.
  void write(int64_t step, const Snapshot& snapshot, bool is_best);
  bool write_here(int64_t step, const Snapshot& snapshot, bool is_best);
  bool write_step(int64_t step, const Snapshot& snapshot);
  // Waits before a further attempt, unless hurry() is called.
  void pause(double seconds);
  // Ends all pauses of the current save.
  void hurry();
  void write_file(const std::filesystem::path& path, int64_t step, const Snapshot& snapshot);
  void renew_best(int64_t step, const Snapshot& snapshot);
  // Deletes a checkpoint to make room for that of `step`. False if there is none to delete.
  bool make_room(int64_t step);
  // Of the checkpoints up to step `newest`, deletes all but the `keep` newest.
  void prune(int64_t newest) const;

  std::filesystem::path folder_;
  Options options_;
  std::thread writer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool hurries_ = false;          // guarded by mutex_
  bool last_save_ok_ = true;      // read only after joining writer_
  std::filesystem::path newest_;  // see Options::newest
  bool warned_no_room_ = false, warned_no_thread_ = false;
};

}  // namespace d2l
