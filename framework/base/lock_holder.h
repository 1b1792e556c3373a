#pragma once

#include <filesystem>
#include <string>

namespace d2l {

// Who holds a lock: what the lock's file says.
struct LockHolder {
  std::string host;
  std::string machine;       // its boot and process namespace: where `pid` means something
  std::string pid, started;  // the process, and when the machine started it, in clock ticks
  std::string job, restart;  // of Slurm: SLURM_JOB_ID and SLURM_RESTART_COUNT; "-": none
  std::string since;         // "2026-11-28 07:16:12 +0000"
  std::string token;         // random, of this taking

  static LockHolder this_process();

  // Whether the file says who it is.
  bool is_known() const { return !token.empty(); }
  // Whether the process has ended, as far as it can be told from here: it ran on this machine.
  bool is_gone() const;
  // An earlier start of the Slurm job that `other` is of. Slurm starts a job again only when it has
  // given up what it started before.
  bool is_before(const LockHolder& other) const;

  // "process 4711 on node3, job 55 (restart 1), since 2026-11-28 07:16:12 +0000"
  std::string describe() const;
};

// `name = value` lines, and blank ones up to a length that is the same for all: what takes
// another's place takes no more room.
std::string to_text(const LockHolder& holder);

// What the file says; nobody where it is empty or says something else. Throws Error where it cannot
// be read.
LockHolder read_lock_holder(const std::filesystem::path& path);

}  // namespace d2l
