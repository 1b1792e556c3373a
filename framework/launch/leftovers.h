#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

namespace d2l::launch {

// The environment variable that marks the processes of a job. Its value is unique to the job.
inline constexpr const char* kJobVariable = "D2L_LAUNCH_JOB";

// The living processes on this host that have the mark in their environment; of this user only.
// This process does not count.
std::vector<pid_t> processes_of_job(const std::string& mark);

// Ends the processes of the job on this host with SIGKILL, waits until they are gone, but at most
// two seconds, and removes the shared memory of Open MPI that they have left behind.
// `mpi_jobs`: mpirun's numbers for the starts of the job.
void end_leftovers(const std::string& mark, const std::set<std::string>& mpi_jobs);

// Whether a host can be used.
struct HostAnswer {
  bool answers = false;
  std::string reason;  // why it does not
};

// Does the same on other hosts, through ssh or the program that OMPI_MCA_plm_rsh_agent names. A
// host has 10 seconds to answer.
std::vector<HostAnswer> end_leftovers_on(const std::vector<std::string>& hosts,
                                         const std::string& mark,
                                         const std::set<std::string>& mpi_jobs);

}  // namespace d2l::launch
