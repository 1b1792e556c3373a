#pragma once

#include <string>

#include "framework/base/error.h"
#include "framework/base/last_words.h"
#include "framework/comm/mpi_session.h"

namespace d2l::launcher {

// How a failed job ends: one line on stderr, the same line in the run folder's log, and an exit
// code.

// For an error of one rank: prints it and ends the whole job. Higher ranks wait longer before they
// print, since a lower rank usually has the same error and the job ends with the first line.
// Thread-safe.
[[noreturn]] void report_and_abort(const std::string& message, int exit_code, MpiSession& session,
                                   LastWords& last_words);

// For an error that all ranks have: rank 0 prints it. Returns the exit code with which each rank
// has to exit.
int report_for_all(const JobError& error, const MpiSession& session, LastWords& last_words);

// How many milliseconds this rank waits for others to report a signal that all ranks receive.
int report_delay_ms(const MpiSession& session);

}  // namespace d2l::launcher
