#include "launcher/ending.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/peer_watch.h"
#include "launcher/ranks.h"

namespace d2l::launcher {
namespace {

void print_error(const std::string& text) {
  std::fprintf(stderr, "%s: error: %s\n", program_name().c_str(), text.c_str());
}

void print_errors(const std::string& text) {
  for (const std::string& line : split_lines(text)) print_error(line);
}

// How many milliseconds a rank waits for lower ones to report what all of them know.
int report_delay_ms(int rank) { return rank == 0 ? 0 : 100 + 20 * std::min(rank, 20); }

void wait_for_lower_ranks(int rank) {
  std::this_thread::sleep_for(std::chrono::milliseconds(report_delay_ms(rank)));
}

int run_ranks(const std::string& refused, MpiSession& session,
              const std::function<int(MpiSession& session, LastWords& last_words)>& work) {
  LastWords last_words(name_of(session), report_delay_ms(session.rank()));
  try {
    run_on_all_ranks(session, [&] {
      if (!refused.empty()) throw UsageError(refused);
    });
    return work(session, last_words);
  } catch (const JobError& error) {
    return report_for_all(error, session, last_words);
  } catch (const UsageError& error) {
    report_and_abort(error.what(), 2, session, last_words);
  } catch (const std::exception& error) {
    report_and_abort(error.what(), 1, session, last_words);
  }
}

}  // namespace

void report_and_abort(const std::string& message, int exit_code, MpiSession& session,
                      LastWords& last_words) {
  wait_for_lower_ranks(session.rank());
  std::fflush(stdout);
  if (last_words.say(message.c_str())) print_error(name_of(session) + message);
  if (session.size() > 1) session.abort(exit_code);
  std::fflush(stderr);
  std::_Exit(exit_code);
}

int report_for_all(const JobError& error, const MpiSession& session, LastWords& last_words) {
  if (session.rank() != 0) return error.exit_code();
  last_words.say(error.what());
  print_errors(error.what());
  return error.exit_code();
}

void report_for_group(const JobError& error, int first_rank, MpiSession& session,
                      LastWords& last_words) {
  constexpr std::chrono::seconds kForFirstRank{10};
  if (session.rank() != first_rank) {
    std::this_thread::sleep_for(kForFirstRank);
    session.abort(error.exit_code());
  }
  // Other groups may have the same error: the lowest rank reports it.
  wait_for_lower_ranks(first_rank);
  std::fflush(stdout);
  const bool is_reported = session.peers() && session.peers()->knows_of_failure();
  last_words.say(error.what());
  if (!is_reported) print_errors(error.what());
  session.abort(error.exit_code());
}

int run_job(int* argc, char*** argv, const std::string& refused,
            const std::function<int(MpiSession& session, LastWords& last_words)>& work) {
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  if (!refused.empty() && !launch.under_mpi) {
    if (launch.is_reporting_rank) print_error(refused);
    return 2;
  }
  try {
    MpiSession session(argc, argv);
    return run_ranks(refused, session, work);
  } catch (const std::exception& error) {
    const bool told = launch.unconnected_tasks > 1 && !launch.is_reporting_rank;
    if (!told) print_error(error.what());
    return 1;
  }
}

}  // namespace d2l::launcher
