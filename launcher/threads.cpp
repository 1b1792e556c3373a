#include "launcher/threads.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "framework/base/error.h"

namespace d2l::launcher {
namespace {

// The first number of a list, as OpenMP reads it; 0 if there is none.
int first_number(const char* text) {
  if (text == nullptr) return 0;
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  const std::string rest = end;
  const size_t next = rest.find_first_not_of(" \t");
  const bool whole = end != text && (next == std::string::npos || rest[next] == ',');
  return whole && number > 0 && number < std::numeric_limits<int>::max() ? static_cast<int>(number)
                                                                         : 0;
}

std::string counted(int count, const char* what) {
  return concat(count, " ", what, count == 1 ? "" : "s");
}

Threads by_the_machine(const ThreadLimits& limits) {
  const int share = std::clamp(limits.local_cores / limits.local_ranks, 1, limits.own_cores);
  if (limits.quota < share)
    return {std::max(1, static_cast<int>(std::floor(limits.quota + 1e-6))), "cgroup quota"};
  const std::string cores = counted(limits.local_cores, "core");
  if (limits.local_ranks == 1) return {share, cores};
  return {share, concat(cores, " for ", limits.local_ranks, " ranks")};
}

}  // namespace

Threads choose_threads(int wanted, const ThreadLimits& limits,
                       const std::function<const char*(const char*)>& variable) {
  if (wanted > 0) return {wanted, "--threads"};
  const int asked = first_number(variable("OMP_NUM_THREADS"));
  Threads threads = asked > 0 ? Threads{asked, "OMP_NUM_THREADS"} : by_the_machine(limits);
  const int most = first_number(variable("OMP_THREAD_LIMIT"));
  if (most > 0 && threads.count > most) threads = {most, "OMP_THREAD_LIMIT"};
  return threads;
}

int choose_loader_threads(std::optional<int> wanted, int computing, int most,
                          const ThreadLimits& limits) {
  if (wanted) return *wanted;
  return std::clamp(by_the_machine(limits).count - computing, 1, most);
}

std::string to_string(const Threads& threads) {
  return concat(counted(threads.count, "thread"), " (", threads.why, ")");
}

std::string warning_about(const Threads& threads, const ThreadLimits& limits) {
  const std::string wanted = concat(counted(threads.count, "thread"), " (", threads.why, ") x ",
                                    counted(limits.local_ranks, "rank"), " on this host");
  if (threads.count * limits.local_ranks > limits.local_cores)
    return concat(wanted, ": more than the ", counted(limits.local_cores, "core"),
                  " available to them, which is slow");
  if (threads.count > std::max(1.0, limits.quota))
    return concat(wanted, ": more than the cgroup quota of ", limits.quota,
                  " cores for each rank, which is slow");
  return "";
}

}  // namespace d2l::launcher
