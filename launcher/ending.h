#pragma once

#include <functional>
#include <string>

#include "framework/base/error.h"
#include "framework/base/last_words.h"
#include "framework/comm/mpi_session.h"

namespace d2l::launcher {

// How a failed job ends: one line on stderr that begins with the program's name, the same line in
// the run folder's log, and an exit code.

// For an error of one rank: prints it and ends the whole job. Higher ranks wait longer before they
// print, since a lower rank usually has the same error and the job ends with the first line.
// Thread-safe.
[[noreturn]] void report_and_abort(const std::string& message, int exit_code, MpiSession& session,
                                   LastWords& last_words);

// For an error that all ranks have: rank 0 prints it. Returns the exit code with which each rank
// has to exit.
int report_for_all(const JobError& error, const MpiSession& session, LastWords& last_words);

// For an error that all ranks of a group have while the other groups of the job continue: the
// group's first rank prints it and ends the whole job. All ranks of the group make this call.
// `first_rank`: its number in the job.
[[noreturn]] void report_for_group(const JobError& error, int first_rank, MpiSession& session,
                                   LastWords& last_words);

// Starts MPI and runs `work` on each rank, whose result is the exit code; reports its errors as
// above. `refused`: the error of this rank's command line; "" if there is none. Other ranks may
// have other command lines.
int run_job(int* argc, char*** argv, const std::string& refused,
            const std::function<int(MpiSession& session, LastWords& last_words)>& work);

}  // namespace d2l::launcher
