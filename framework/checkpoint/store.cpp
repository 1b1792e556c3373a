#include "framework/checkpoint/store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/checkpoint/file.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-", kSuffix = ".h5";
constexpr const char* kBest = "best.h5";

std::string file_name(int64_t step) {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return concat(kPrefix, digits, kSuffix);
}

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return {};
  int64_t step = -1;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
  if (step < 0 || file_name(step) != name) return {};
  return step;
}

// The names in a folder; none if it does not exist.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error))
    names.push_back(entries->path().filename().string());
  check(!error, "cannot list the checkpoints in ", folder.string(), ": ", error.message());
  return names;
}

bool is_checkpoint_name(const std::string& name) { return step_of(name) || name == kBest; }

void warn_safely(const std::function<void(const std::string&)>& warn, const std::string& message) {
  try {
    warn(message);
  } catch (...) {
    // There is nobody to report to: this is the background thread.
  }
}

// False if the file system has no hard links.
bool make_link(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  int error = errno;
  bool unsupported = error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
  check(unsupported, "cannot link ", to.string(), " to ", from.string(), ": ",
        std::strerror(error));
  return false;
}

// Whether the file has another hard link: then removing this name frees no space.
bool has_other_name(const fs::path& path) {
  std::error_code ignored;
  return fs::hard_link_count(path, ignored) > 1;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, Options options)
    : folder_(folder.empty() ? fs::path(".") : std::move(folder)),
      options_(std::move(options)),
      newest_(options_.newest) {
  check(options_.keep >= 1, "a checkpoint store keeps at least 1 file, found ", options_.keep);
  make_writable_folder(folder_);
  remove_leftovers(folder_, is_checkpoint_name);
}

CheckpointStore::~CheckpointStore() {
  hurry();
  wait();
}

void CheckpointStore::save(int64_t step, Snapshot snapshot, bool is_best) {
  check(step >= 0, "a checkpoint's step must not be negative, found ", step);
  hurry();
  wait();
  hurries_ = false;
  if (options_.copies != nullptr) options_.copies->hurries_ = false;
  last_save_ok_ = false;
  const auto owned = std::make_shared<const Snapshot>(std::move(snapshot));
  const auto work = [this, step, is_best, owned] { write(step, *owned, is_best); };
  try {
    writer_ = std::thread(work);
    return;
  } catch (const std::system_error& error) {
    if (!std::exchange(warned_no_thread_, true))
      options_.warn(concat("cannot start a thread to save the checkpoint of step ", step,
                           ", training waits: ", error.code().message()));
  }
  work();
}

void CheckpointStore::hurry() {
  if (options_.copies != nullptr) options_.copies->hurry();
  const std::lock_guard lock(mutex_);
  hurries_ = true;
  wake_.notify_all();
}

void CheckpointStore::pause(double seconds) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return hurries_; });
}

bool CheckpointStore::wait() {
  if (writer_.joinable()) writer_.join();
  return last_save_ok_;
}

void CheckpointStore::write(int64_t step, const Snapshot& snapshot, bool is_best) {
  const TraceSpan span(options_.trace, "save", Trace::Lane::saving, step);
  last_save_ok_ = write_here(step, snapshot, is_best);
  if (options_.copies != nullptr) options_.copies->write_here(step, snapshot, is_best);
}

// Returns whether the checkpoint is on disk.
bool CheckpointStore::write_here(int64_t step, const Snapshot& snapshot, bool is_best) {
  if (!write_step(step, snapshot)) return false;
  newest_ = path_of(step);
  bool is_linked = is_best;
  try {
    if (is_best) renew_best(step, snapshot);
  } catch (const std::exception& error) {
    is_linked = false;
    warn_safely(options_.warn,
                concat(kBest, " was not updated at step ", step, ": ", error.what()));
  }
  options_.saved(step, is_linked);
  try {
    prune(step);
  } catch (const std::exception& error) {
    warn_safely(options_.warn, concat("older checkpoints were not removed: ", error.what()));
  }
  return true;
}

bool CheckpointStore::write_step(int64_t step, const Snapshot& snapshot) {
  std::string first_problem;
  for (size_t attempt = 1;; ++attempt) {
    std::string problem;
    bool is_transient = true;
    try {
      write_file(path_of(step), step, snapshot);
      if (attempt > 1)
        warn_safely(options_.warn, concat("checkpoint of step ", step, " was saved at attempt ",
                                          attempt, " only: ", first_problem));
      return true;
    } catch (const NoRoomError& error) {
      problem = error.what();
      is_transient = false;
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (attempt == 1) first_problem = problem;
    if (!is_transient || attempt > options_.pauses.size()) {
      const std::string attempts = attempt > 1 ? concat(" (", attempt, " attempts)") : "";
      warn_safely(options_.warn,
                  concat("checkpoint of step ", step, " was not saved: ", problem, attempts));
      return false;
    }
    pause(options_.pauses[attempt - 1]);
  }
}

void CheckpointStore::write_file(const fs::path& path, int64_t step, const Snapshot& snapshot) {
  for (;;) {
    options_.check_held();
    try {
      return write_checkpoint(path, snapshot, options_.check_held);
    } catch (const NoRoomError& error) {
      if (!make_room(step)) throw;
      if (!std::exchange(warned_no_room_, true))
        warn_safely(
            options_.warn,
            concat(error.what(), "; from now on older checkpoints are removed before a new ",
                   "one is written"));
    }
  }
}

// Deletes from the oldest on until one without another hard link is gone. Checkpoints of later
// steps are kept, see prune().
bool CheckpointStore::make_room(int64_t step) {
  if (newest_.empty())
    if (const auto found = newest_valid(folder_, [](const std::string&) {})) newest_ = found->path;
  std::vector<fs::path> may_go;
  for (const int64_t other : steps(folder_))
    if (other <= step) may_go.push_back(path_of(other));
  may_go.push_back(folder_ / kBest);
  for (const fs::path& path : may_go) {
    std::error_code error;
    if (fs::equivalent(path, newest_, error)) continue;
    const bool makes_room = !has_other_name(path);
    const bool removed = fs::remove(path, error);
    check(!error, "cannot remove ", path.string(), " to make room: ", error.message());
    if (removed && makes_room) return true;
  }
  return false;
}

// Links best.h5 to the step's file, or writes a copy if that is not possible. Durable.
void CheckpointStore::renew_best(int64_t step, const Snapshot& snapshot) {
  const fs::path saved = path_of(step), best = folder_ / kBest,
                 temporary = unused_name_beside(best);
  if (!make_link(saved, temporary)) return write_file(best, step, snapshot);
  std::error_code error, ignored;
  fs::rename(temporary, best, error);
  // Renaming a file to another hard link of itself does nothing and leaves both names.
  fs::remove(temporary, ignored);
  check(!error, "cannot rename ", temporary.string(), " to ", best.string(), ": ", error.message());
  sync_folder(folder_);
}

void CheckpointStore::prune(int64_t newest) const {
  std::vector<int64_t> all = steps(folder_);
  // Files of later steps were left by a run that was resumed from an earlier step; they are kept.
  auto end = std::upper_bound(all.begin(), all.end(), newest);
  for (auto at = all.begin(); end - at > options_.keep; ++at) {
    std::error_code error;
    fs::remove(path_of(*at), error);
    check(!error, "cannot remove ", path_of(*at).string(), ": ", error.message());
  }
}

void CheckpointStore::set_aside_after(int64_t step) {
  wait();
  std::vector<fs::path> later;
  for (const int64_t other : steps(folder_))
    if (other > step) later.push_back(path_of(other));
  const fs::path best = folder_ / kBest;
  std::error_code ignored;
  if (std::any_of(later.begin(), later.end(),
                  [&](const fs::path& path) { return fs::equivalent(best, path, ignored); }))
    later.push_back(best);
  if (later.empty()) return;
  const fs::path aside = folder_ / "superseded";
  make_writable_folder(aside);
  for (const fs::path& path : later) {
    fs::path to = aside / path.filename();
    for (int copy = 2; fs::exists(to, ignored); ++copy)
      to = aside / concat(path.stem().string(), ".", copy, kSuffix);
    std::error_code error;
    fs::rename(path, to, error);
    check(!error, "cannot move ", path.string(), " to ", to.string(), ": ", error.message());
  }
  sync_folder(folder_);
}

fs::path CheckpointStore::path_of(int64_t step) const { return path_of(folder_, step); }

fs::path CheckpointStore::path_of(const fs::path& folder, int64_t step) {
  return folder / file_name(step);
}

CheckpointStore::Found CheckpointStore::read(const fs::path& path) {
  Found found{path, read_checkpoint(path)};
  const std::optional<int64_t> named = step_of(path.filename().string());
  const auto held = found.snapshot.integers.find("progress/step");
  check(!named || held == found.snapshot.integers.end() || held->second == *named, path.string(),
        ": expected the state of step ", named.value_or(0), ", found that of step ",
        held == found.snapshot.integers.end() ? 0 : held->second);
  return found;
}

std::optional<CheckpointStore::Found> CheckpointStore::newest_valid(
    const fs::path& folder, const std::function<void(const std::string&)>& warn,
    const std::function<void(const Found&)>& accept, int64_t after_step) {
  std::vector<int64_t> all = steps(folder);
  all.erase(all.begin(), std::upper_bound(all.begin(), all.end(), after_step));
  std::vector<fs::path> candidates;
  for (auto step = all.rbegin(); step != all.rend(); ++step)
    candidates.push_back(path_of(folder, *step));
  // Perhaps not the newest, but better than none if all others are damaged.
  std::error_code ignored;
  if (after_step < 0 && fs::exists(folder / kBest, ignored)) candidates.push_back(folder / kBest);
  for (const fs::path& path : candidates) {
    try {
      Found found = read(path);
      accept(found);
      return found;
    } catch (const Error& error) {
      warn(concat(error.what(), "; skipped"));
    }
  }
  return {};
}

std::vector<int64_t> CheckpointStore::steps(const fs::path& folder) {
  std::vector<int64_t> found;
  for (const std::string& name : names_in(folder))
    if (std::optional<int64_t> step = step_of(name)) found.push_back(*step);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace d2l
