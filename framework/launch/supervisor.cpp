#include "framework/launch/supervisor.h"

#include <algorithm>
#include <cstdio>

#include "framework/base/error.h"
#include "framework/base/program.h"
#include "framework/base/random_id.h"
#include "framework/base/text.h"
#include "framework/launch/leftovers.h"
#include "framework/launch/slurm_nodes.h"

namespace d2l::launch {
namespace {

void say(const std::string& text) { std::fprintf(stderr, "d2l-launch: %s\n", text.c_str()); }

std::string counted(int64_t count, const char* what) {
  return concat(with_thousands(count), " ", what, count == 1 ? "" : "s");
}

void repeat_first_error(const OutputLine& error) {
  if (error.text.empty()) return;
  const std::string rank = error.rank == kNoRank ? "" : concat(", of rank ", error.rank);
  say(concat("first error", rank, ": ", visible(error.text)));
}

// Each start has a folder of its own: "start-1", "start-2" ...
std::filesystem::path unused_folder(const std::filesystem::path& logs) {
  for (int number = 1;; ++number) {
    std::filesystem::path folder = std::filesystem::absolute(logs) / concat("start-", number);
    if (!std::filesystem::exists(folder)) return folder;
  }
}

// Seconds. A cause that lasts, such as a file system that is away, needs time to pass.
int pause_before(int restarts_without_progress) {
  constexpr int kLongest = 32, kDoublings = 5;
  if (restarts_without_progress < 2) return 0;
  return std::min(kLongest, 1 << std::min(restarts_without_progress - 2, kDoublings));
}

}  // namespace

Supervisor::Supervisor(const Job& job) : job_(job), mark_(random_id()), hosts_(job.hosts) {}

int Supervisor::run() {
  for (;;) {
    saved_before_ = job_.saved_steps();
    const RankEnd end = run_once();
    const Decision decision = decide(end);
    if (!decision.start_again) {
      // mpirun may have been killed before it could end the ranks of other hosts.
      if (stop_.now) hosts_that_answer();
      if (!decision.text.empty()) {
        repeat_first_error(end.first_error);
        say("error: " + decision.text);
      }
      return decision.code;
    }
    repeat_first_error(end.first_error);
    say(decision.text);
    signals_.wait(decision.pause);
    if (is_asked_to_stop()) return code_of_stop(end.code);
  }
}

bool Supervisor::is_asked_to_stop() {
  for (const int signal : signals_.take())
    if (stop_.signal == 0 && signal != SIGUSR2) stop_.signal = signal;
  return stop_.signal != 0;
}

RankEnd Supervisor::run_once() {
  Start start = make_start(job_, hosts_);
  const std::filesystem::path logs = job_.logs.empty() ? "" : unused_folder(job_.logs);
  // Files of mpirun are complete even if it loses text on the way to its own output.
  const bool own_logs = output_form(start) == OutputForm::labelled;
  if (!own_logs) start.logs = logs;
  RankPrinter printer(job_.prefix, own_logs ? logs : "");
  RankRun run(start, mark_, printer);
  RankEnd end = run.wait(signals_, stop_);
  if (!end.facts.job.empty()) mpi_jobs_.insert(end.facts.job);
  end_leftovers(mark_, mpi_jobs_);
  return end;
}

Supervisor::Decision Supervisor::decide(const RankEnd& end) {
  if (stop_.now) return {.code = 128 + stop_.signal};
  if (stop_.signal != 0) return {.code = code_of_stop(end.code)};
  if (end.code == 0 || end.code == kStoppedEarly || end.code == kWrongUsage)
    return {.code = end.code};
  const int64_t saved = job_.saved_steps();
  if (saved > saved_before_) restarts_ = 0;
  std::string what = describe_end(end.code, end.facts);
  if (job_.obstacle.empty()) what += concat("; ", counted(saved, "step"), " saved");
  if (!end.facts.ran && job_.one_host)
    return {.code = end.code, .text = what + "; not started again"};
  if (job_.max_restarts == 0)
    return {.code = end.code,
            .text = concat(what, "; not started again", job_.obstacle.empty() ? "" : ": ",
                           job_.obstacle)};
  if (restarts_ >= job_.max_restarts)
    return {.code = end.code,
            .text = concat(what, "; not started again after ", counted(restarts_, "restart"),
                           " without progress")};
  return decide_after_failure(end, what);
}

Supervisor::Decision Supervisor::decide_after_failure(const RankEnd& end, const std::string& what) {
  hosts_ = usable_hosts(end.facts.failed_host);
  const int ranks = job_.one_host ? job_.ranks : std::min(job_.ranks, total_slots(hosts_));
  if (is_asked_to_stop())  // in the meantime
    return {.code = code_of_stop(end.code), .text = concat(what, "; ", signal_name(stop_.signal))};
  if (ranks < job_.min_ranks)
    return {.code = end.code,
            .text = concat(what, "; the hosts that are left have room for ", counted(ranks, "rank"),
                           ", expected at least ", job_.min_ranks, " (--min-ranks)")};
  ++restarts_;
  const int pause = pause_before(restarts_);
  const std::string when =
      pause > 0 ? concat("; starts again in ", pause, " s on ") : "; starts again on ";
  return {.start_again = true,
          .text = concat(what, when, counted(ranks, "rank"), " (restart ", restarts_, " of ",
                         job_.max_restarts, ")"),
          .pause = pause};
}

// Those that were gone earlier may be back.
std::vector<Host> Supervisor::hosts_that_answer() {
  if (job_.one_host) return job_.hosts;
  return job_.starter == Starter::srun ? nodes_of_slurm() : hosts_of_mpirun();
}

// A new step of the job can only have nodes that the job has not lost.
std::vector<Host> Supervisor::nodes_of_slurm() {
  const std::vector<std::string> names = nodes_of_slurm_job(job_.slurm_job);
  if (names.empty()) return job_.hosts;  // srun itself will find out
  std::vector<Host> usable;
  for (const Host& host : job_.hosts) {
    if (std::find(names.begin(), names.end(), host.name) != names.end())
      usable.push_back(host);
    else
      say(concat("host ", host.name, " is left out: the Slurm job has lost it"));
  }
  return usable;
}

std::vector<Host> Supervisor::hosts_of_mpirun() {
  std::vector<std::string> names;
  for (const Host& host : job_.hosts)
    if (!is_this_host(host.name)) names.push_back(host.name);
  const std::vector<HostAnswer> answers = end_leftovers_on(names, mark_, mpi_jobs_);
  std::vector<Host> usable = job_.hosts;
  for (size_t i = 0; i < names.size(); ++i) {
    if (answers[i].answers) continue;
    say(concat("host ", names[i], " is left out: ", answers[i].reason));
    std::erase_if(usable, [&](const Host& host) { return host.name == names[i]; });
  }
  return usable;
}

// A host may answer although its daemon cannot connect to mpirun. `failed`: the host that mpirun
// names.
std::vector<Host> Supervisor::usable_hosts(const std::string& failed) {
  std::vector<Host> answering = hosts_that_answer();
  std::vector<Host> others = answering;
  const size_t removed =
      std::erase_if(others, [&](const Host& host) { return host.name == failed; });
  if (removed == 0 || total_slots(others) < job_.min_ranks) return answering;
  say(concat("host ", failed, " is left out of the next start: mpirun had no connection to it"));
  return others;
}

// Ranks that were asked to stop before they could handle the signal end by it: nothing is lost if
// the job can continue.
int Supervisor::code_of_stop(int code) const {
  return job_.obstacle.empty() && code == 128 + SIGUSR1 ? kStoppedEarly : code;
}

}  // namespace d2l::launch
