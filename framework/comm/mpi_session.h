#pragma once

#include <memory>
#include <string>

#include "framework/comm/communicator.h"

namespace d2l {

// MPI from start to end; owned by main(), first in and last out. Works without mpirun too (one
// rank). Destroyed while an exception flies it aborts all ranks instead of waiting for them.
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

  // A communicator over all ranks with its own thread, which alone talks to MPI for it; Self's when
  // there is one rank. Must be destroyed before the session.
  std::unique_ptr<Communicator> communicator();

  // Ends every rank of the job with this exit code, now.
  [[noreturn]] void abort(int exit_code);

 private:
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
  std::string host_;
};

}  // namespace d2l
