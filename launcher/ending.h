#pragma once

#include <string>

#include "framework/base/error.h"
#include "framework/base/last_words.h"
#include "framework/comm/mpi_session.h"

namespace d2l::launcher {

// How a job that fails ends: one line on stderr, the same in the run folder's log, an exit code.

// For an error of one rank: prints it and ends the whole job. Higher ranks wait longer before they
// print: what they met is most often what a lower rank has met too, and the job ends with the first
// line. Any thread may call it.
[[noreturn]] void report_and_abort(const std::string& message, int exit_code, MpiSession& session,
                                   LastWords& last_words);

// For an error that all ranks know of: rank 0 prints it, and each rank ends by itself with the exit
// code that is returned.
int report_for_all(const JobError& error, const MpiSession& session, LastWords& last_words);

// How many milliseconds this rank leaves to others to report a signal that all ranks receive.
int patience(const MpiSession& session);

}  // namespace d2l::launcher
