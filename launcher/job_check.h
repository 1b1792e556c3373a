#pragma once

#include <string>

#include "framework/comm/mpi_session.h"
#include "launcher/devices.h"
#include "launcher/setup.h"

namespace d2l::launcher {

// --check: what a job would work with, as text: the ranks with their hosts, cores, threads and
// devices, the libraries, the network with the speed of an all-reduce of the gradients, and the run
// folder. Trains nothing and writes nothing but a file that it removes. Collective; the text is
// rank 0's. Throws JobError if the ranks do not see the same run folder.
std::string job_check(const Config& config, Setup& setup, const Machine& machine,
                      const MpiSession& session);

}  // namespace d2l::launcher
