#include "launcher/ending.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "launcher/ranks.h"

namespace d2l::launcher {

void report_and_abort(const std::string& message, int exit_code, MpiSession& session,
                      LastWords& last_words) {
  const int before = std::min(session.rank(), 20);
  if (before > 0) std::this_thread::sleep_for(std::chrono::milliseconds(300 + 100 * before));
  std::fflush(stdout);
  if (last_words.say(message.c_str()))
    std::fprintf(stderr, "d2l-train: error: %s%s\n", name_of(session).c_str(), message.c_str());
  if (session.size() > 1) session.abort(exit_code);
  std::fflush(stderr);
  std::_Exit(exit_code);
}

int report_for_all(const JobError& error, const MpiSession& session, LastWords& last_words) {
  if (session.rank() != 0) return error.exit_code();
  last_words.say(error.what());
  std::istringstream lines(error.what());
  for (std::string line; std::getline(lines, line);)
    std::fprintf(stderr, "d2l-train: error: %s\n", line.c_str());
  return error.exit_code();
}

int report_delay_ms(const MpiSession& session) {
  return session.rank() == 0 ? 0 : 100 + 20 * std::min(session.rank(), 20);
}

}  // namespace d2l::launcher
