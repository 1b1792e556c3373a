#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "framework/base/lock_holder.h"

namespace d2l {

// A lock file. One process at a time holds it, among all hosts that see the file, while the object
// lives; the file exists exactly that long. The file names its holder, which renews the file's
// modification time regularly (a "beat"). Other processes are excluded by flock(), or by exclusive
// creation (O_EXCL) where the file system has no flock(). A holder that dies leaves its file
// behind. The next process takes the file over only if the holder is certainly dead: its process no
// longer exists on this machine; or it was an earlier start of the same Slurm job; or it ran on
// another machine, has given no sign of life for `stale`, and does not hold flock() on the file.
class FileLock {
 public:
  struct Options {
    std::chrono::milliseconds beat{5000};
    std::chrono::milliseconds stale{60000};
    // Receives warnings: a lock that is taken over, a file system without locks.
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
    // Called once, from the thread that notices it, when this process has lost the lock: another
    // process has taken it over, the file was removed, or it could not be renewed for `stale`.
    // Nothing may be written after that.
    std::function<void(const std::string& message)> lost = [](const std::string&) {};
  };

  // Waits at most `stale`, and only for a holder on another machine that may be dead. Throws Error
  // with the file and its holder if the lock is not free.
  FileLock(std::filesystem::path path, Options options);
  explicit FileLock(std::filesystem::path path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Call before writing. If the lock is lost, calls `lost` and then throws Error, unless `lost`
  // ends the process. Reads the file unless it was read within the last `age`. May be called from
  // any thread.
  void check_held(std::chrono::milliseconds age = {});

 private:
  enum class System { held, busy, unsupported };  // the result of flock()

  bool try_to_take();
  bool open_file();
  System lock_file();
  bool is_current() const;
  LockHolder holder_now(System system) const;
  void require_dead_holder(System system, const LockHolder& holder) const;
  void wait_for_silence(const std::string& who) const;
  void set_aside(const LockHolder& dead) const;
  void write_holder();
  void close_file();

  void start_beating();
  void beat_until_stopped();
  void verify_and_renew();
  std::string why_lost() const;
  void renew();
  void report_lost(const std::string& why);

  std::filesystem::path path_;
  Options options_;
  LockHolder me_;
  int descriptor_ = -1;
  bool said_unsupported_ = false;

  std::atomic<int64_t> verified_ = 0, renewed_ = 0;  // milliseconds; count while the machine sleeps
  std::mutex lost_mutex_;
  bool lost_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread beats_;
};

}  // namespace d2l
