#pragma once

#include <filesystem>
#include <string>

namespace d2l {

// The holder of a lock, as the lock file describes it.
struct LockHolder {
  std::string host;
  std::string machine;       // boot identifier and PID namespace: where `pid` is valid
  std::string pid, started;  // process number and its start time, in clock ticks since boot
  std::string job, restart;  // SLURM_JOB_ID and SLURM_RESTART_COUNT; "-": none
  std::string since;         // "2026-11-28 07:16:12 +0000"
  std::string token;         // random, new each time a lock is taken

  static LockHolder this_process();

  // Whether the file names a holder.
  bool is_known() const { return !token.empty(); }
  // Whether the process has certainly ended. Known only if it ran on this machine.
  bool is_gone() const;
  // Whether this is an earlier start of the Slurm job of `other`. Slurm restarts a job only after
  // it has given up the earlier start.
  bool is_before(const LockHolder& other) const;

  // "process 4711 on node3, job 55 (restart 1), since 2026-11-28 07:16:12 +0000"
  std::string describe() const;
};

// Lines `name = value`, padded with blank lines to a fixed length, so that a new holder can
// overwrite an old one on a full disk.
std::string to_text(const LockHolder& holder);

// Reads the file. The result is not is_known() if the file is empty or has another content. Throws
// Error if the file cannot be read.
LockHolder read_lock_holder(const std::filesystem::path& path);

}  // namespace d2l
