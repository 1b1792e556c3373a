#pragma once

#include "framework/comm/mpi_session.h"

namespace d2l::test {

// The one session of a test program that runs on several ranks (linked with d2l_mpi_main). All
// ranks run the same tests in the same order; a failure on any of them fails the job, and a test
// that takes longer than 30 seconds aborts it.
MpiSession& session();

// A communicator over all ranks that all tests share.
Communicator& comm();

}  // namespace d2l::test
