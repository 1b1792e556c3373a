#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "framework/base/last_words.h"
#include "framework/base/program.h"
#include "framework/base/trace.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/mpi_session.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/cross_validation.h"
#include "launcher/devices.h"
#include "launcher/ending.h"
#include "launcher/job_check.h"
#include "launcher/model_table.h"
#include "launcher/options/options.h"
#include "launcher/plan.h"
#include "launcher/ranks.h"
#include "launcher/setup.h"
#include "launcher/time_report.h"
#include "launcher/training_run.h"

// d2l-train: options -> config -> dataset -> loader -> model -> trainer.

namespace d2l::launcher {
namespace {

// Checks the options on every rank. Collective.
Config config_of_all(const CommandLine& line, const MpiSession& session) {
  Config config;
  run_on_all_ranks(session, [&] { config = checked_config(line, session.size()); });
  return config;
}

// Checks that all ranks have the same options before any other collective work.
Machine join_ranks(const Config& config, MpiSession& session) {
  std::unique_ptr<Communicator> host = session.communicator();
  check_agreement(facts_of(config), *host, session.host());
  return make_machine(config, session, std::move(host));
}

// Output of command lines that do not train.
std::string answer_to(const CommandLine& line) { return line.help ? help_text() : model_table(); }

// --time
int measure(const CommandLine& line, MpiSession& session) {
  const Config config = config_of_all(line, session);
  Machine machine = join_ranks(config, session);
  Communicator* comm = machine.comm.get();
  Backend& backend = *machine.backend;
  std::optional<Setup> setup;
  run_on_all_ranks(session, [&] { setup.emplace(config, machine, backend); });
  check_agreement(setup->facts(), *comm, session.host());
  setup->options.log_every = 0;
  Log log(comm->rank() != 0), quiet(true, name_of(session));
  Trainer trainer(setup->parts(*comm, quiet), setup->options);
  log.info(description(config, *setup, machine, backend));
  Profiler profiler(backend);
  const std::string report =
      time_report({.trainer = trainer,
                   .profiler = profiler,
                   .activations = setup->options.step.activations,
                   .tf32 = config.training.precision == PrecisionChoice::tf32},
                  config.machine.time);
  if (comm->rank() == 0) std::printf("\n%s", report.c_str());
  comm->barrier();
  return 0;
}

// --check
int check_job(const CommandLine& line, MpiSession& session) {
  const Config config = config_of_all(line, session);
  const Machine machine = join_ranks(config, session);
  std::optional<Setup> setup;
  run_on_all_ranks(session, [&] { setup.emplace(config, machine, *machine.backend); });
  check_agreement(setup->facts(), *machine.comm, session.host());
  const std::string text = job_check(config, *setup, machine, session);
  if (session.rank() == 0) std::printf("%s", text.c_str());
  machine.comm->barrier();
  return 0;
}

// --plan
int plan_job(const CommandLine& line, MpiSession& session) {
  Config config = config_of_all(line, session);
  const Machine machine = join_ranks(config, session);
  const std::string text = plan(std::move(config), machine, session);
  if (session.rank() == 0) std::printf("%s", text.c_str());
  machine.comm->barrier();
  return 0;
}

int train(const CommandLine& line, MpiSession& session, LastWords& last_words) {
  const Config config = config_of_all(line, session);
  if (config.cross_validation.has_all_folds()) return train_folds(config, session, last_words);
  if (!config.run.trace.empty()) session.set_trace(std::make_shared<Trace>());
  const Machine machine = join_ranks(config, session);
  const RunResult result = train_run(config, {machine, session, session, last_words});
  return result.stopped ? kStoppedEarly : 0;
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes beyond the file size limit then return an error
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  if (asks_for_version(argc, argv)) {
    if (launch.is_reporting_rank) std::fputs(version_text().c_str(), stdout);
    return 0;
  }
  CommandLine line;
  std::string refused;
  try {
    line = parse_command_line(argc, argv);
    const bool trains = !line.help && !line.list_models;
    if (trains && line.config.run.resume.empty()) validate(line.config, line.given);
    if (!trains && launch.is_reporting_rank) std::fputs(answer_to(line).c_str(), stdout);
    if (!trains) return 0;
  } catch (const Error& error) {
    refused = error.what();
  }
  return run_job(&argc, &argv, refused, [&](MpiSession& session, LastWords& last_words) {
    if (line.check) return check_job(line, session);
    if (line.plan) return plan_job(line, session);
    return line.config.machine.time > 0 ? measure(line, session) : train(line, session, last_words);
  });
}

}  // namespace d2l::launcher

int main(int argc, char** argv) { return d2l::launcher::run(argc, argv); }
