#include "framework/checkpoint/store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/checkpoint/file.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-", kSuffix = ".h5", kUnfinished = ".tmp";
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

// The names in a folder; none when it is absent.
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

void remove_leftovers(const fs::path& folder) {
  for (const std::string& name : names_in(folder)) {
    bool ours = name.starts_with(kPrefix) || name.starts_with(kBest);
    if (!ours || !name.ends_with(kUnfinished)) continue;
    std::error_code error;
    fs::remove(folder / name, error);
    check(!error, "cannot remove the unfinished checkpoint ", (folder / name).string(), ": ",
          error.message());
  }
}

void warn_safely(const std::function<void(const std::string&)>& warn, const std::string& message) {
  try {
    warn(message);
  } catch (...) {
    // Nobody is left to be told: this is the background thread.
  }
}

// False when the file system has no hard links.
bool make_link(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  int error = errno;
  bool unsupported = error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
  check(unsupported, "cannot link ", to.string(), " to ", from.string(), ": ",
        std::strerror(error));
  return false;
}

// Makes `best` another name of `saved`, or a copy where that is not possible. Durable.
void renew_best(const fs::path& best, const fs::path& saved, const Snapshot& snapshot) {
  fs::path temporary = best;
  temporary += kUnfinished;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  if (!make_link(saved, temporary)) return write_checkpoint(best, snapshot);
  std::error_code error;
  fs::rename(temporary, best, error);
  // Renaming a file to another name of itself does nothing and leaves both.
  fs::remove(temporary, ignored);
  check(!error, "cannot rename ", temporary.string(), " to ", best.string(), ": ", error.message());
  sync_folder(best.parent_path());
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, Options options)
    : folder_(folder.empty() ? fs::path(".") : std::move(folder)), options_(std::move(options)) {
  check(options_.keep >= 1, "a checkpoint store keeps at least 1 file, found ", options_.keep);
  make_writable_folder(folder_);
  remove_leftovers(folder_);
}

CheckpointStore::~CheckpointStore() { wait(); }

void CheckpointStore::save(int64_t step, Snapshot snapshot, bool is_best) {
  check(step >= 0, "a checkpoint's step must not be negative, found ", step);
  wait();
  last_save_ok_ = false;
  writer_ = std::thread(
      [this, step, is_best, owned = std::move(snapshot)] { write(step, owned, is_best); });
}

bool CheckpointStore::wait() {
  if (writer_.joinable()) writer_.join();
  return last_save_ok_;
}

void CheckpointStore::write(int64_t step, const Snapshot& snapshot, bool is_best) {
  constexpr int kAttempts = 2;
  for (int attempt = 1; attempt <= kAttempts && !last_save_ok_; ++attempt) {
    try {
      write_checkpoint(path_of(step), snapshot);
      last_save_ok_ = true;
    } catch (const std::exception& error) {
      warn_safely(options_.warn,
                  concat("checkpoint of step ", step, " was not saved: ", error.what(),
                         attempt < kAttempts ? "; trying once more" : ""));
    }
  }
  if (!last_save_ok_) return;
  try {
    if (is_best) renew_best(folder_ / kBest, path_of(step), snapshot);
  } catch (const std::exception& error) {
    warn_safely(options_.warn,
                concat(kBest, " was not renewed at step ", step, ": ", error.what()));
  }
  try {
    prune(step);
  } catch (const std::exception& error) {
    warn_safely(options_.warn, concat("older checkpoints were not removed: ", error.what()));
  }
}

void CheckpointStore::prune(int64_t newest) const {
  std::vector<int64_t> all = steps(folder_);
  // Files of later steps are left by a run that was resumed from before them: not ours to judge.
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
    check(!error, "cannot set ", path.string(), " aside: ", error.message());
  }
  sync_folder(folder_);
}

fs::path CheckpointStore::path_of(int64_t step) const { return path_of(folder_, step); }

fs::path CheckpointStore::path_of(const fs::path& folder, int64_t step) {
  return folder / file_name(step);
}

std::optional<CheckpointStore::Found> CheckpointStore::newest_valid(
    const fs::path& folder, const std::function<void(const std::string&)>& warn) {
  std::vector<int64_t> all = steps(folder);
  std::vector<fs::path> candidates;
  for (auto step = all.rbegin(); step != all.rend(); ++step)
    candidates.push_back(path_of(folder, *step));
  // Not the newest, but better than none when all others are damaged.
  std::error_code ignored;
  if (fs::exists(folder / kBest, ignored)) candidates.push_back(folder / kBest);
  for (const fs::path& path : candidates) {
    try {
      return Found{path, read_checkpoint(path)};
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
