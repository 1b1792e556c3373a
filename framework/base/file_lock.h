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

// Held by one process at a time, on all hosts that see the file, for as long as the object lives;
// the file is there as long. It says who holds it, and its holder renews the time of its last
// change (a "beat"). What excludes others is flock(), where the file system has it, and else that
// the file can be made only once. A holder that died leaves the file; the next one takes it over
// when that is certain: the process is gone from this machine; or it was an earlier start of the
// same Slurm job; or it was on another machine, has given no sign of life for `stale`, and flock()
// does not keep the file for it.
class FileLock {
 public:
  struct Options {
    std::chrono::milliseconds beat{5000};
    std::chrono::milliseconds stale{60000};
    // Told what is unusual: a lock that is taken over, a file system without locks.
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
    // Called once, from whatever thread finds it, when the lock is not this process's any more:
    // another one has taken it over, the file was removed, or it could not be renewed for `stale`.
    // Nothing may be written from then on.
    std::function<void(const std::string& message)> lost = [](const std::string&) {};
  };

  // Waits only for a holder on another machine that may be dead, for at most `stale`. Throws Error
  // naming the file and its holder.
  FileLock(std::filesystem::path path, Options options);
  explicit FileLock(std::filesystem::path path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // For who is about to write: calls `lost`, and throws Error if that comes back, when the lock is
  // lost. The file is read unless it was within the last `age`. From any thread.
  void check_held(std::chrono::milliseconds age = {});

 private:
  enum class System { held, busy, unsupported };  // what flock() answers

  bool try_to_take();
  bool open_file();
  System lock_file();
  bool is_current() const;
  LockHolder holder_now(System system) const;
  void judge(System system, const LockHolder& holder) const;
  void watch(const std::string& who) const;
  void set_aside(const LockHolder& dead) const;
  void write_holder();
  void close_file();

  void start_beating();
  void beat_until_stopped();
  void look();
  std::string why_lost() const;
  void renew();
  void lose(const std::string& why);

  std::filesystem::path path_;
  Options options_;
  LockHolder me_;
  int descriptor_ = -1;
  bool said_unsupported_ = false;

  std::atomic<int64_t> looked_ = 0, renewed_ = 0;  // milliseconds, also while the machine sleeps
  std::mutex losing_;
  bool lost_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread beats_;
};

}  // namespace d2l
