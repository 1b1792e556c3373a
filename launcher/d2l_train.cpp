#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "framework/base/checksum.h"
#include "framework/base/text.h"
#include "framework/comm/mpi_session.h"
#include "framework/train/loss_curve.h"
#include "framework/train/trainer.h"
#include "launcher/config.h"
#include "launcher/devices.h"
#include "launcher/model_table.h"
#include "launcher/resume.h"
#include "launcher/run_folder.h"
#include "launcher/setup.h"
#include "launcher/tasks.h"
#include "launcher/time_report.h"

// d2l-train: options -> config -> dataset -> loader -> model -> trainer.

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

bool on_gpu(const Machine& machine) { return machine.backend->device().kind == DeviceKind::cuda; }

// "cpu, 2 ranks x 1 thread", "2 GPUs"
std::string where_text(const Machine& machine, int threads) {
  const int ranks = machine.comm->size();
  if (on_gpu(machine)) return concat(ranks, ranks == 1 ? " GPU" : " GPUs");
  return concat("cpu, ", ranks, ranks == 1 ? " rank x " : " ranks x ", threads,
                threads == 1 ? " thread" : " threads");
}

void print_report(const TrainerReport& report, const std::string& where, Log& log) {
  log.info("loss ", fixed(report.loss, 3), ", train acc ", fixed(report.train_accuracy, 3),
           ", test acc ", fixed(report.test_accuracy, 3));
  log.info(fixed(report.compute_rate, 1), " examples/sec on ", where,
           " (wall-clock with data: ", fixed(report.wall_rate, 1), ")");
}

// Ranks with other options than these are refused before anything else is done together.
Machine join_ranks(const Config& config, MpiSession& session, int threads) {
  std::unique_ptr<Communicator> host = session.communicator();
  check_agreement(facts_of(config), *host, session.host());
  return make_machine(config, session, std::move(host), threads);
}

// --time
int measure(const CommandLine& line, MpiSession& session) {
  const Config config = checked_config(line, session.size());
  Machine machine = join_ranks(config, session, choose_threads(config, session));
  Communicator* comm = machine.comm.get();
  ProfilingBackend backend(machine.backend.get());
  Setup setup(config, machine, backend);
  check_agreement(setup.facts(), *comm, session.host());
  setup.options.log_every = 0;
  Log log(comm->rank() != 0), quiet(true);
  Trainer trainer(setup.parts(*comm, quiet), setup.options);
  log.info(description(config, setup, *comm, backend));
  const std::string report = time_report({.trainer = trainer,
                                          .backend = backend,
                                          .activations = setup.options.activations,
                                          .tf32 = config.precision == "tf32"},
                                         config.time);
  if (comm->rank() == 0) std::printf("\n%s", report.c_str());
  comm->barrier();
  return 0;
}

[[noreturn]] void report_and_abort(const std::string& message, int exit_code, MpiSession& session);

int train(const CommandLine& line, MpiSession& session) {
  Config config = checked_config(line, session.size());
  const int threads = choose_threads(config, session);
  Machine machine = join_ranks(config, session, threads);
  Communicator* comm = machine.comm.get();
  if (config.resume.empty()) config.run_id = new_run_id(*comm);
  const fs::path out = config.out;
  bool first = comm->rank() == 0;
  Log log(!first);
  auto warn = [&log](const std::string& text) { log.warn(text); };

  Setup setup(config, machine, *machine.backend);
  check_agreement(setup.facts(), *comm, session.host());
  if (!config.run_id.empty()) setup.options.texts["run"] = config.run_id;

  // The folder is held from here on, and nothing is written into it before all that can be wrong
  // with data, model and checkpoint has been looked at.
  std::optional<RunFolder> folder;
  Progress progress(first && Progress::is_terminal());
  if (first) {
    folder.emplace(config, warn,
                   [&session](const std::string& why) { report_and_abort(why, 1, session); });
    std::printf("%s\n", to_ini(config).c_str());
  }
  comm->barrier();
  auto found = find_checkpoint(config, *comm, log);
  TrainerParts parts = setup.parts(*comm, log);
  parts.progress = first ? &progress : nullptr;
  Trainer trainer(parts, setup.options);
  if (found) restore(trainer, *found, config, setup.train_fingerprint);
  const uint64_t state = trainer.state_checksum();
  check_agreement({{found ? "the state that was read" : "the checksum of the initial values",
                    checksum_text(state)}},
                  *comm, session.host());
  if (first) {
    folder->begin(config, trainer.position().step, found ? found->path : "", log);
    trainer.set_files(&folder->store(), &folder->metrics());
  }
  log.info(description(config, setup, *comm, *machine.backend));
  warn_about(config, session, machine, threads, setup, log);
  if (on_gpu(machine) && config.cuda_graph == "auto" && !setup.options.record)
    log.info("steps are not recorded as CUDA graphs: --comm mpi takes them through the host");
  if (!config.resume.empty())
    log.info("going on after step ", trainer.position().step,
             found ? " from " : ": no checkpoint in ", found ? found->path.string() : config.out);
  if (trainer.finished())
    log.info("nothing is left to do; --epochs and --max-steps say how far a run goes");

  TrainerReport report = trainer.run();
  fs::path checkpoint = CheckpointStore::path_of(out / "checkpoints", trainer.position().step);
  print_report(report, where_text(machine, threads), log);
  if (comm->rank() == 0 && report.losses.size() > 1)
    std::printf("\n%s\n", loss_curve(report.losses).c_str());
  if (report.saved) log.info("run folder ", config.out, ", checkpoint ", checkpoint.string());
  check(report.saved, "the last checkpoint could not be written: expected ", checkpoint.string());
  comm->barrier();
  return 0;
}

// One line from one rank: the others wait a moment, since rank 0's abort ends them when all met the
// same error.
[[noreturn]] void report_and_abort(const std::string& message, int exit_code, MpiSession& session) {
  if (session.rank() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  std::string who =
      session.rank() == 0 ? "" : concat("rank ", session.rank(), " on ", session.host(), ": ");
  std::fflush(stdout);
  std::fprintf(stderr, "d2l-train: error: %s%s\n", who.c_str(), message.c_str());
  if (session.size() > 1) session.abort(exit_code);
  std::fflush(stderr);
  std::_Exit(exit_code);
}

// Before MPI is up: is this the rank that speaks?
bool speaks() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"})
    if (const char* rank = std::getenv(name)) return std::string(rank) == "0";
  return true;
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the one who writes it
  CommandLine line;
  try {
    line = parse_command_line(argc, argv);
    const bool only_asks = line.help || line.list_models;
    if (!only_asks && !line.config.task.empty()) {
      if (speaks()) std::fputs(run_task(line).c_str(), stdout);
      return 0;
    }
    if (!only_asks && line.config.resume.empty()) validate(line.config, line.given);
  } catch (const Error& error) {
    if (speaks()) std::fprintf(stderr, "d2l-train: error: %s\n", error.what());
    return 2;
  }
  if (line.help || line.list_models) {
    if (speaks()) std::fputs(line.help ? help_text().c_str() : model_table().c_str(), stdout);
    return 0;
  }
  try {
    MpiSession session(&argc, &argv);
    try {
      return line.config.time > 0 ? measure(line, session) : train(line, session);
    } catch (const UsageError& error) {
      report_and_abort(error.what(), 2, session);
    } catch (const std::exception& error) {
      report_and_abort(error.what(), 1, session);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "d2l-train: error: %s\n", error.what());
    return 1;
  }
}

}  // namespace d2l::launcher

int main(int argc, char** argv) { return d2l::launcher::run(argc, argv); }
