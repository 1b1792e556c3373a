#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "framework/base/last_words.h"
#include "framework/base/terminal.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/mpi_session.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/data_memory.h"
#include "launcher/devices.h"
#include "launcher/ending.h"
#include "launcher/model_table.h"
#include "launcher/options/options.h"
#include "launcher/pipelines.h"
#include "launcher/ranks.h"
#include "launcher/rate_factors.h"
#include "launcher/report.h"
#include "launcher/resume.h"
#include "launcher/run_folder.h"
#include "launcher/setup.h"
#include "launcher/start_weights.h"
#include "launcher/stored_config.h"
#include "launcher/tasks.h"
#include "launcher/time_report.h"

// d2l-train: options -> config -> dataset -> loader -> model -> trainer.

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

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

// Output of command lines that do not train: texts and experiments.
std::string answer_to(const CommandLine& line) {
  if (line.help) return help_text();
  return line.list_models ? model_table() : run_task(line);
}

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

// What the run works with, and the warnings of all ranks about it. Collective.
void log_setup(const Config& config, const Setup& setup, const Machine& machine,
               const MpiSession& session, Log& log) {
  log.info(description(config, setup, machine, *machine.backend));
  const std::string rates = rate_factors(config.optimizer, setup.parameters).note;
  if (!rates.empty()) log.info(rates);
  const std::string pipelines = pipelines_of(config).note;
  if (!pipelines.empty()) log.info(pipelines);
  log.info(data_memory(*setup.train_data, setup.test_data.get(), machine.loader_threads));
  const std::string products = machine.backend->describe_products(setup.options.step.activations);
  if (!products.empty()) log.info(products);
  for (const std::string& warning : gather_messages(warnings(config, machine, setup), session))
    if (session.rank() == 0) log.warn(warning);
  if (machine.on_gpu() && config.machine.cuda_graph == GraphChoice::automatic &&
      !setup.options.step.record)
    log.info("steps are not captured as CUDA graphs: --comm mpi sends gradients through the host");
}

// --weights
std::string load_weights(const Config& config, Setup& setup, Log& log) {
  return load_start_weights({.file = config.model.weights,
                             .model = config.model.name,
                             .input = setup.train_data->sample_shape(),
                             .warn = [&log](const std::string& text) { log.warn(text); }},
                            setup.parameters);
}

int train(const CommandLine& line, MpiSession& session, LastWords& last_words) {
  Config config = config_of_all(line, session);
  Machine machine = join_ranks(config, session);
  Communicator* comm = machine.comm.get();
  if (config.run.resume.empty()) config.run.id = new_run_id(*comm);
  const fs::path out = config.run.out;
  bool first = comm->rank() == 0;
  Log log(!first, name_of(session));
  auto warn = [&log](const std::string& text) { log.warn(text); };

  std::optional<Setup> made;
  run_on_all_ranks(session, [&] { made.emplace(config, machine, *machine.backend); });
  Setup& setup = *made;
  check_agreement(setup.facts(), *comm, session.host());
  if (!config.run.id.empty()) setup.options.texts["run"] = config.run.id;

  // Locks the folder. Nothing is written to it before data, model and checkpoint are checked.
  std::optional<RunFolder> folder;
  const Terminal terminal = Terminal::find();
  Progress progress({.form = progress_form(config, terminal)}, terminal);
  if (first) {
    folder.emplace(config, warn,
                   [&](const std::string& why) { report_and_abort(why, 1, session, last_words); });
    std::printf("%s\n", to_ini(config).c_str());
  }
  comm->barrier();
  auto found = find_checkpoint(config, *comm, log);
  std::string weights_report;
  if (!found && !config.model.weights.empty())
    run_on_all_ranks(session, [&] { weights_report = load_weights(config, setup, log); });
  TrainerParts parts = setup.parts(*comm, log);
  parts.progress = first ? &progress : nullptr;
  Trainer trainer(parts, setup.options);
  if (found) restore(trainer, *found, config, setup.train_fingerprint);
  check_states_agree(trainer, *comm, session.host());
  if (first) {
    folder->begin(config, trainer.state().position, found ? found->path : "", log);
    trainer.set_files(&folder->store(), &folder->metrics());
  }
  comm->barrier();
  last_words.belong_to(out / "log.txt");
  log_setup(config, setup, machine, session, log);
  if (!weights_report.empty()) log.info(weights_report);
  log_start(config, trainer, found, log);

  TrainerReport report = trainer.run();
  fs::path checkpoint =
      CheckpointStore::path_of(out / "checkpoints", trainer.state().position.step);
  print_report(report, setup.objective->metrics(), machine, log);
  if (first) print_curve(report, terminal);
  if (report.saved) log.info("run folder ", config.run.out, ", checkpoint ", checkpoint.string());
  check(report.saved, "the last checkpoint could not be written: expected ", checkpoint.string());
  comm->barrier();
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes beyond the file size limit then return an error
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  CommandLine line;
  std::string refused;
  try {
    line = parse_command_line(argc, argv);
    const bool trains = !line.help && !line.list_models && line.config.program.task.empty();
    if (trains && line.config.run.resume.empty()) validate(line.config, line.given);
    if (!trains && launch.is_reporting_rank) std::fputs(answer_to(line).c_str(), stdout);
    if (!trains) return 0;
  } catch (const Error& error) {
    refused = error.what();
  }
  return run_job(&argc, &argv, refused, [&](MpiSession& session, LastWords& last_words) {
    return line.config.machine.time > 0 ? measure(line, session) : train(line, session, last_words);
  });
}

}  // namespace d2l::launcher

int main(int argc, char** argv) { return d2l::launcher::run(argc, argv); }
