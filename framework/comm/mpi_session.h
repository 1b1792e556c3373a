#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// MPI from start to end; owned by main(), first in and last out. Works without mpirun too (one
// rank). With several ranks it aborts all of them instead of waiting for them when it is destroyed
// while an exception flies, or after a communicator failed or was left by an exception; so print
// the error while the session lives. Throws Error when MPI is not what d2l needs, or when a
// launcher started several tasks that MPI does not connect.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  // among the ranks of this host, from 0
  int local_size() const { return local_size_; }
  const std::string& host() const { return host_; }
  // The cores of this host that its ranks may run on, all of them together, and those of this rank.
  int local_cores() const { return local_cores_; }
  int own_cores() const { return own_cores_; }
  // The cores' worth of time that quotas of control groups leave to this rank when the ranks of a
  // group share it equally; infinity where there are none.
  double cpu_quota() const { return cpu_quota_; }

  // Each rank's text, in their order. Every rank makes this call.
  std::vector<std::string> gather(const std::string& mine) const;

  // A communicator over all ranks with a thread of its own that keeps reductions going while the
  // caller computes; Self's when there is one rank. Every rank makes this call. Must be destroyed
  // before the session.
  std::unique_ptr<Communicator> communicator();

  // Ends every rank of the job with this exit code, now.
  [[noreturn]] void abort(int exit_code);

 private:
  void look_around();

  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1, local_cores_ = 1, own_cores_ = 1;
  double cpu_quota_ = 0;
  std::string host_;
  std::shared_ptr<std::atomic<bool>> broken_;  // shared with the communicators
};

}  // namespace d2l
