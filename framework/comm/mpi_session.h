#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// Starts and ends MPI; main() makes it first and destroys it last. Works without mpirun too (one
// rank). With several ranks, the destructor aborts the whole job instead of waiting for the other
// ranks if it runs during stack unwinding, or if a communicator has failed or was abandoned. So
// print the error before that. The constructor throws Error if MPI lacks what d2l needs, or if a
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
  // How many cores of this host all its ranks together may run on, and how many this rank may.
  int local_cores() const { return local_cores_; }
  int own_cores() const { return own_cores_; }
  // The processor time, in cores, that the quotas of control groups leave to this rank if the ranks
  // of a group share it equally; infinity without quotas.
  double cpu_quota() const { return cpu_quota_; }

  // The texts of all ranks, in rank order. Every rank makes this call.
  std::vector<std::string> gather(const std::string& mine) const;

  // A communicator over all ranks, with a thread that advances operations while the caller
  // computes; make_self_communicator() if there is one rank. Every rank makes this call. Must be
  // destroyed before the session.
  std::unique_ptr<Communicator> communicator();

  // Ends all ranks of the job at once, with this exit code.
  [[noreturn]] void abort(int exit_code);

 private:
  void find_host_resources();

  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1, local_cores_ = 1, own_cores_ = 1;
  double cpu_quota_ = 0;
  std::string host_;
  std::shared_ptr<std::atomic<bool>> broken_;  // shared with the communicators
};

}  // namespace d2l
