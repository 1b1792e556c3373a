#pragma once

#include <string>

#include "framework/comm/rank_group.h"

namespace d2l {

std::string mpi_version();  // "Open MPI v4.1.4"

// All ranks of the job. Starts and ends MPI; main() makes it first and destroys it last. Works
// without mpirun too (one rank). With several ranks, the destructor aborts the whole job instead of
// waiting for the other ranks if it runs during stack unwinding, or if a communicator has failed or
// was abandoned. So print the error before that. The constructor throws Error if MPI lacks what d2l
// needs, or if a launcher started several tasks that MPI does not connect.
class MpiSession final : public RankGroup {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession() override;

  int local_rank() const { return local_rank_; }  // among the ranks of this host, from 0
  int local_size() const { return local_size_; }
  // How many cores of this host all its ranks together may run on, and how many this rank may.
  int local_cores() const { return local_cores_; }
  int own_cores() const { return own_cores_; }
  // The processor time, in cores, that the quotas of control groups leave to this rank if the ranks
  // of a group share it equally; infinity without quotas.
  double cpu_quota() const { return cpu_quota_; }

  // Ends all ranks of the job at once, with this exit code.
  [[noreturn]] void abort(int exit_code);

 private:
  void find_host_resources();

  int local_rank_ = 0, local_size_ = 1, local_cores_ = 1, own_cores_ = 1;
  double cpu_quota_ = 0;
};

}  // namespace d2l
