#include "framework/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kMoment{100};  // time in which the file may be changing hands

// This clock also advances while the process is stopped or the machine sleeps.
int64_t clock_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

milliseconds changed(const struct stat& status) {
  return milliseconds(int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1000000);
}

// Opens the file anew each time: NFS asks its server only then.
milliseconds last_change(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  const bool known = descriptor >= 0 && ::fstat(descriptor, &status) == 0;
  if (descriptor >= 0) ::close(descriptor);
  return known ? changed(status) : milliseconds(0);
}

// Time since the last change, by the clock of the file system, which may be another machine.
milliseconds silence(const fs::path& path) {
  const fs::path probe = unused_name_beside(path);
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_with(errno, concat("cannot create ", probe.string()));
  struct stat now {};
  const bool known = ::fstat(descriptor, &now) == 0;
  ::close(descriptor);
  ::unlink(probe.c_str());
  return known ? std::max(changed(now) - last_change(path), milliseconds(0)) : milliseconds(0);
}

// Unknown if the file does not exist or cannot be read now.
LockHolder holder_in(const fs::path& path) {
  try {
    return read_lock_holder(path);
  } catch (const Error&) {
    return {};
  }
}

std::string seconds_text(milliseconds time) { return concat((time.count() + 500) / 1000, " s"); }

}  // namespace

FileLock::FileLock(fs::path path) : FileLock(std::move(path), Options{}) {}

FileLock::FileLock(fs::path path, Options options)
    : path_(std::move(path)), options_(std::move(options)), me_(LockHolder::this_process()) {
  try {
    while (!try_to_take()) close_file();
  } catch (...) {
    close_file();
    throw;
  }
  start_beating();
}

FileLock::~FileLock() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (beats_.joinable()) beats_.join();
  if (is_current() && holder_in(path_).token == me_.token) ::unlink(path_.c_str());
  close_file();
}

// --- taking ---

// Returns false if the file has just changed hands: try again.
bool FileLock::try_to_take() {
  const bool made = open_file();
  const System system = lock_file();
  if (system == System::held && !is_current()) return false;
  const LockHolder holder = made ? LockHolder() : holder_now(system);
  const bool free = made || (system == System::held && !holder.is_known());
  if (system == System::busy || !free) {
    require_dead_holder(system, holder);
    if (system != System::held) {
      set_aside(holder);
      return false;
    }
  }
  write_holder();
  return true;
}

// Returns true if this process created the file. Only O_EXCL creates it: without flock(), an empty
// file belongs to a process that is about to write its name.
bool FileLock::open_file() {
  for (int attempt = 0;; ++attempt) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return true;
    if (errno != EEXIST) fail_with(errno, concat("cannot create ", path_.string()));
    try {
      descriptor_ = open_regular_file(path_, O_RDWR);
      return false;
    } catch (const Error&) {
      if (attempt == 100) throw;  // until then, the holder may have removed it just now
    }
  }
}

FileLock::System FileLock::lock_file() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return System::held;
  if (errno == EWOULDBLOCK) return System::busy;
  if (!std::exchange(said_unsupported_, true))
    options_.warn(concat(path_.string(), ": this file system does not support locks (",
                         std::strerror(errno),
                         "); using the existence and the modification time of the file instead"));
  return System::unsupported;
}

// Whether the open file is still the one at this path.
bool FileLock::is_current() const {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor_, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// A process that has just acquired flock() has not yet written its name: wait a moment for it.
LockHolder FileLock::holder_now(System system) const {
  LockHolder holder = holder_in(path_);
  for (int i = 0; i < 20 && system == System::busy && (!holder.is_known() || holder.is_gone());
       ++i) {
    std::this_thread::sleep_for(kMoment / 4);
    holder = holder_in(path_);
  }
  return holder;
}

// Returns if the holder is dead; otherwise throws Error.
void FileLock::require_dead_holder(System system, const LockHolder& holder) const {
  check(system != System::busy || holder.is_known(), path_.string(), " is held by another process");
  if (!holder.is_known())
    return wait_for_silence(path_.string() + " does not name the process that holds it");
  const std::string who = concat(path_.string(), " is held by ", holder.describe());
  if (holder.is_before(me_))
    return options_.warn(concat(who, ", an earlier start of this job: taken over"));
  const bool here = holder.machine == me_.machine;
  check(
      system != System::busy, who,
      here ? "" : "; if it is dead, remove the file (if it is alive, it then stops with an error)");
  if (holder.is_gone()) return options_.warn(concat(who, ", which no longer exists: taken over"));
  check(!here, who);
  wait_for_silence(who);
}

// Returns once the file has not changed for `stale`; throws Error if it changes.
void FileLock::wait_for_silence(const std::string& who) const {
  const milliseconds before = last_change(path_);
  check(before.count() != 0, who, ", which is running");  // it has just removed the file
  milliseconds left = options_.stale - silence(path_);
  if (left.count() > 0)
    options_.warn(concat(who, ", which may be dead: waiting up to ", seconds_text(left),
                         " for it to renew the file"));
  while (left.count() > 0) {
    const milliseconds pause = std::min(left, options_.beat / 5);
    std::this_thread::sleep_for(pause);
    left -= pause;
    check(last_change(path_) == before, who, ", which is running");
  }
  options_.warn(concat(who, ", which has not renewed the file for ", seconds_text(silence(path_)),
                       ": taken over"));
}

// Several processes may do this at the same time: one of them removes the dead holder's file. A
// process that has moved a newer file instead puts it back.
void FileLock::set_aside(const LockHolder& dead) const {
  const fs::path aside = unused_name_beside(path_);
  if (::rename(path_.c_str(), aside.c_str()) != 0) {
    if (errno == ENOENT) return;
    fail_with(errno, concat("cannot take over ", path_.string()));
  }
  if (holder_in(aside).token != dead.token && ::link(aside.c_str(), path_.c_str()) != 0 &&
      errno != EEXIST)
    fail_with(errno, concat("cannot give back ", path_.string()));
  ::unlink(aside.c_str());
}

// Overwrites the old content, so that this works on a full disk too.
void FileLock::write_holder() {
  const std::string text = to_text(me_);
  int error = write_all(descriptor_, text.data(), text.size());
  if (error == 0 && ::ftruncate(descriptor_, static_cast<off_t>(text.size())) != 0) error = errno;
  // Others must see the content. Only EIO is an error: not every file system supports fsync.
  if (error == 0 && ::fsync(descriptor_) != 0 && errno == EIO) error = errno;
  if (error != 0) fail_with(error, concat("cannot write ", path_.string()));
  verified_ = renewed_ = clock_now();
}

void FileLock::close_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

// --- holding ---

void FileLock::check_held(milliseconds age) {
  if (clock_now() - verified_ >= age.count()) verify_and_renew();
}

void FileLock::start_beating() {
  try {
    beats_ = std::thread([this] { beat_until_stopped(); });
  } catch (const std::system_error& error) {
    options_.warn(concat(path_.string(), " is renewed only when something is written, because ",
                         "no thread can be started: ", error.code().message()));
  }
}

void FileLock::beat_until_stopped() {
  std::unique_lock lock(mutex_);
  try {
    while (!wake_.wait_for(lock, options_.beat, [this] { return stopping_; })) verify_and_renew();
  } catch (const Error&) {
    // report_lost() has already called options_.lost
  }
}

void FileLock::verify_and_renew() {
  const std::string why = why_lost();
  if (!why.empty()) report_lost(why);
  verified_ = clock_now();
  renew();
}

std::string FileLock::why_lost() const {
  for (int attempt = 0; attempt < 2; ++attempt) {
    std::error_code error;
    const bool there = fs::exists(path_, error);
    if (error) return "";  // renew() will report it
    const LockHolder holder = there ? holder_in(path_) : LockHolder();
    if (holder.token == me_.token) return "";
    if (holder.is_known()) return concat(path_.string(), " was taken over by ", holder.describe());
    if (!there && attempt > 0) return path_.string() + " was removed";
    std::this_thread::sleep_for(kMoment);
  }
  return "";
}

void FileLock::renew() {
  if (::futimens(descriptor_, nullptr) == 0) {
    renewed_ = clock_now();
    return;
  }
  const std::string cause = std::strerror(errno);
  const milliseconds silent(clock_now() - renewed_);
  if (silent >= options_.stale)
    report_lost(
        concat(path_.string(), " could not be renewed for ", seconds_text(silent), ": ", cause));
}

// A second thread that notices the loss waits here: `lost` may end the process.
void FileLock::report_lost(const std::string& why) {
  const std::lock_guard lock(lost_mutex_);
  if (!std::exchange(lost_, true)) options_.lost(why);
  fail(why);
}

}  // namespace d2l
