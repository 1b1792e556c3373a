#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "data/catalog.h"
#include "data/loader.h"
#include "framework/base/affinity.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/checkpoint/file.h"
#include "framework/comm/mpi_session.h"
#include "framework/train/loss_curve.h"
#include "framework/train/trainer.h"
#include "launcher/assemble.h"
#include "launcher/config.h"
#include "launcher/devices.h"
#include "launcher/length.h"
#include "launcher/model_table.h"
#include "launcher/normalization.h"
#include "launcher/tasks.h"
#include "launcher/time_report.h"
#include "models/zoo.h"

// d2l-train: options -> config -> dataset -> loader -> model -> trainer.

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// The cores of this host that the job may use, divided among its ranks here.
int choose_threads(const Config& config, const MpiSession& session) {
  if (config.threads > 0) return config.threads;
  return std::clamp(session.local_cores() / session.local_size(), 1,
                    count_cores(available_cores()));
}

// The options of a run that is resumed: what it stored, with this command line on top.
Config effective_config(const CommandLine& line) {
  if (line.config.resume.empty()) return line.config;
  fs::path run = line.config.resume;
  fs::path file = run / "config.ini";
  check(fs::exists(file), "--resume ", run.string(),
        ": expected a run folder with config.ini, found ",
        fs::is_directory(run) ? "none in it"
        : fs::exists(run)     ? "a file"
                              : "no such folder");
  Config config = config_for_resume(line, read_text_file(file), file.string());
  std::error_code ignored;
  if (line.given.count("out") && !fs::equivalent(run, line.config.out, ignored))
    throw UsageError(concat("--resume ", run.string(), " goes on in its own folder, found --out ",
                            line.config.out, " too"));
  config.out = run.string();
  return config;
}

// What rank 0 writes. The folder of a new run is made, that of an old one taken; a run is never
// overwritten, and never written by two jobs at a time.
struct RunFolder {
  using Warn = std::function<void(const std::string&)>;

  RunFolder(const Config& config, Warn on_trouble)
      : path(made_writable(config)),
        warn(std::move(on_trouble)),
        lock(path / ".lock"),
        store(path / "checkpoints", {.keep = static_cast<int>(config.keep), .warn = warn}) {
    if (!config.resume.empty()) return;
    check(!fs::exists(path / "config.ini") && CheckpointStore::steps(path / "checkpoints").empty(),
          "--out ", path.string(), " already holds a run; go on with --resume ", path.string(),
          " or name another folder");
    write_text_file(path / "config.ini", to_ini(config));
  }

  // Once the run is known to go on with `config` after `step`, this is what a next --resume reads.
  MetricsFile* go_on(const Config& config, int64_t step) {
    if (!config.resume.empty()) write_text_file(path / "config.ini", to_ini(config));
    return &metrics.emplace(path / "metrics.csv", step, warn);
  }

  static fs::path made_writable(const Config& config) {
    make_writable_folder(config.out);
    return config.out;
  }

  fs::path path;
  Warn warn;
  FileLock lock;
  CheckpointStore store;
  std::optional<MetricsFile> metrics;
};

// In the middle of an epoch the rest of it must be what it would have been.
void check_same_epoch(const Config& config, const Config& before, const fs::path& checkpoint) {
  auto check_same = [&](const char* flag, const auto& old_value, const auto& value) {
    if (old_value == value) return;
    throw UsageError(concat(flag, " may change between epochs only: ", checkpoint.string(),
                            " stands inside one of ", flag, " ", old_value, ", found ", value));
  };
  check_same("--batch-size", before.batch_size, config.batch_size);
  check_same("--seed", before.seed, config.seed);
  check_same("--data", before.data, config.data);
  check_same("--resize", before.resize, config.resize);
  check_same("--flip", before.flip, config.flip);
  check_same("--crop-padding", before.crop_padding, config.crop_padding);
  check_same("--normalize", before.normalize, config.normalize);
}

// What an optimizer remembers is of use to no other, and a network's weights to no other network.
void check_same_state(const Config& config, const Config& before, const fs::path& checkpoint) {
  const auto check_same = [&](const char* flag, const auto& old_value, const auto& value) {
    if (old_value == value) return;
    throw UsageError(concat(flag, " may not change in a run: ", checkpoint.string(), " is of ",
                            flag, " ", old_value, ", found ", value));
  };
  check_same("--model", before.model, config.model);
  check_same("--width", before.width, config.width);
  if ((before.ema > 0) != (config.ema > 0))
    throw UsageError(
        concat("--ema may not change between 0 and more in a run: ", checkpoint.string(),
               " stands at ", before.ema, ", found ", config.ema));
  if (before.optimizer != config.optimizer)
    throw UsageError(concat("--optimizer may not change in a run: ", checkpoint.string(),
                            " holds the state of ", before.optimizer, ", found ",
                            config.optimizer));
  const bool moves = config.optimizer == "sgd" || config.optimizer == "lars";
  if (moves && (before.momentum > 0) != (config.momentum > 0))
    throw UsageError(
        concat("--momentum may not change between 0 and more in a run: ", checkpoint.string(),
               " stands at ", before.momentum, ", found ", config.momentum));
}

// The checkpoint that all ranks go on from: rank 0 chooses, all read the same file.
std::optional<CheckpointStore::Found> find_checkpoint(const Config& config, Communicator& comm,
                                                      Log& log) {
  if (config.resume.empty()) return std::nullopt;
  fs::path folder = fs::path(config.out) / "checkpoints";
  std::optional<CheckpointStore::Found> found;
  if (comm.rank() == 0) {
    found = CheckpointStore::newest_valid(folder, [&](const std::string& line) { log.warn(line); });
    check(found || CheckpointStore::steps(folder).empty(), "--resume ", config.resume,
          ": expected a valid checkpoint in ", folder.string(), ", found only damaged ones");
  }
  std::string name = found ? found->path.filename().string() : "";
  char buffer[64] = {};
  std::copy_n(name.begin(), std::min(name.size(), sizeof buffer - 1), buffer);
  comm.broadcast({buffer, DType::u8, Shape{sizeof buffer}}, 0);
  if (buffer[0] == '\0') return std::nullopt;
  if (comm.rank() != 0)
    found = CheckpointStore::Found{folder / buffer, read_checkpoint(folder / buffer)};
  return found;
}

void restore(Trainer& trainer, const CheckpointStore::Found& found, const Config& config) {
  auto step = found.snapshot.integers.find("progress/step_in_epoch");
  const auto text = found.snapshot.texts.find("config");
  check(text != found.snapshot.texts.end(), found.path.string(),
        ": expected a checkpoint of d2l-train, found one without its options");
  const Config before = from_ini(text->second, found.path.string());
  check_same_state(config, before, found.path);
  if (step != found.snapshot.integers.end() && step->second > 0)
    check_same_epoch(config, before, found.path);
  trainer.restore(found.snapshot, found.path.string());
}

std::unique_ptr<data::Loader> open_loader(const Config& config, const Machine& machine,
                                          data::Split split) {
  bool train = split == data::Split::train;
  return std::make_unique<data::Loader>(
      std::shared_ptr<data::Dataset>(data::open_dataset(config.data, config.data_dir, split)),
      machine.host_memory(),
      data::LoaderOptions{.batch_size = config.batch_size,
                          .seed = config.seed,
                          .order = train ? data::Order::shuffled : data::Order::sequential,
                          .rank = machine.comm->rank(),
                          .ranks = machine.comm->size(),
                          .threads = config.loader_threads,
                          .resize = config.resize});
}

void check_same_kind(const data::Dataset& train, const data::Dataset& test) {
  check(test.shape() == train.shape() && test.classes() <= train.classes(), train.name(),
        ": expected test inputs of shape ", train.shape(), " in ", train.classes(),
        " classes as for training, found ", test.shape(), " in ", test.classes());
}

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

// A window that sees nothing of its image would be of no use.
void check_crop(const Config& config, const Shape& image) {
  const int64_t size = std::min(image[0], image[1]);
  if (config.crop_padding >= size)
    throw UsageError(concat("--crop-padding expects less than the images' size, ", size, ", found ",
                            config.crop_padding));
}

TrainerOptions trainer_options(const Config& config, const Machine& machine,
                               const data::Loader& train_data) {
  const Shape& image = train_data.sample_shape();
  const int64_t steps_per_epoch = train_data.steps_per_epoch();
  check_crop(config, image);
  return {.epochs = config.epochs,
          .max_steps = config.max_steps,
          .save_every = config.save_every,
          .eval_every = config.eval_every,
          .log_every = config.log_every,
          .schedule = make_schedule(config, steps_per_epoch),
          .accumulate = config.accumulate,
          .activations = activation_type(config),
          .loss_scale = {.constant = config.loss_scale},
          .normalisation = parse_normalisation(config.normalize, image[2]),
          .flip = config.flip,
          .crop_padding = config.crop_padding,
          .sync_batch_norm = config.sync_bn,
          .label_smoothing = config.label_smoothing,
          .clip_value = config.clip_value,
          .clip_norm = config.clip_norm,
          .ema = config.ema,
          .record = machine.has_steps_without_host && config.cuda_graph == "auto",
          .seed = config.seed,
          .config = to_ini(config)};
}

std::string absolute_path(const std::string& path) {
  std::string text = fs::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

// The effective config of a new or resumed run, checked against the number of ranks.
Config checked_config(const CommandLine& line, int ranks) {
  Config config = effective_config(line);
  // A resumed run may be called from another folder.
  std::error_code ignored;
  if (fs::is_directory(config.data, ignored)) config.data = absolute_path(config.data);
  config.data_dir = absolute_path(config.data_dir);
  if (config.out.empty())
    config.out = "runs/" + (config.recipe.empty() ? config.model : config.recipe);
  validate(config, line.given);
  if (config.batch_size / config.accumulate < ranks && config.accumulate > 1)
    throw UsageError(concat("--accumulate ", config.accumulate,
                            " expects a --batch-size of at least ", config.accumulate, " x ", ranks,
                            " ranks, found ", config.batch_size));
  if (config.batch_size < ranks)
    throw UsageError(
        concat("--batch-size is the global batch: expected at least one sample for "
               "each of the ",
               ranks, " ranks, found ", config.batch_size));
  return config;
}

std::string count_text(const nn::ParameterSet& parameters) {
  const int64_t frozen = parameters.frozen_count();
  return concat(with_thousands(parameters.count()), " parameters",
                frozen > 0 ? ", of them " + with_thousands(frozen) + " frozen" : "");
}

std::unique_ptr<nn::Module> make_model(const Config& config, const data::Loader& train_data) {
  return models::build_model(config.model, {.input = train_data.sample_shape(),
                                            .classes = train_data.dataset().classes(),
                                            .init = config.init,
                                            .width = config.width});
}

// What a training works with and what the options decide, without a place to write to.
struct Setup {
  // `backend` computes; it is the machine's or stands in front of it.
  Setup(const Config& config, const Machine& machine, Backend& backend)
      : train_data(open_loader(config, machine, data::Split::train)),
        test_data(open_loader(config, machine, data::Split::test)),
        model(make_model(config, *train_data)),
        parameters(*model, backend, config.seed),
        options(trainer_options(config, machine, *train_data)) {
    check_same_kind(train_data->dataset(), test_data->dataset());
    parameters.freeze(split_list("--freeze", config.freeze));
    optimizer = make_optimizer(config, parameters);
  }

  TrainerParts parts(Communicator& comm, Log& log) {
    return {.model = *model,
            .parameters = parameters,
            .optimizer = *optimizer,
            .comm = comm,
            .train_data = *train_data,
            .test_data = *test_data,
            .log = log};
  }

  std::unique_ptr<data::Loader> train_data, test_data;
  std::unique_ptr<nn::Module> model;
  nn::ParameterSet parameters;
  TrainerOptions options;
  std::unique_ptr<Optimizer> optimizer;
};

std::string description(const Config& config, const Setup& setup, const Communicator& comm,
                        const Backend& backend) {
  return concat(config.model, ", ", count_text(setup.parameters), "; ",
                setup.train_data->dataset().name(), ", ",
                with_thousands(setup.train_data->samples()), " + ",
                with_thousands(setup.test_data->samples()), " samples; ", comm.describe(), "; ",
                backend.describe());
}

// What works, but hardly as it was meant.
void warn_about(const Config& config, const MpiSession& session, const Machine& machine,
                int threads, const data::Loader& train_data, Log& log) {
  if (!machine.surprise.empty())
    log.warn(concat("--device auto has chosen the CPU: ", machine.surprise));
  if (threads * session.local_size() > session.local_cores())
    log.warn(concat("--threads ", threads, " x ", session.local_size(),
                    " ranks on this host are more than the ", session.local_cores(),
                    " cores that they may use, which is slow"));
  if (config.batch_size > train_data.samples())
    log.warn(concat("--batch-size ", config.batch_size, " is more than the ", train_data.samples(),
                    " training samples: each step takes all of them"));
}

// --time
int measure(const CommandLine& line, MpiSession& session) {
  const Config config = checked_config(line, session.size());
  Machine machine = make_machine(config, session, choose_threads(config, session));
  Communicator* comm = machine.comm.get();
  ProfilingBackend backend(machine.backend.get());
  Setup setup(config, machine, backend);
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

int train(const CommandLine& line, MpiSession& session) {
  const Config config = checked_config(line, session.size());
  const int threads = choose_threads(config, session);
  Machine machine = make_machine(config, session, threads);
  Communicator* comm = machine.comm.get();
  const fs::path out = config.out;
  bool first = comm->rank() == 0;
  Log log(!first);
  auto warn = [&log](const std::string& text) { log.warn(text); };

  Setup setup(config, machine, *machine.backend);

  // Nothing is written before all that can be wrong with data and model has been looked at.
  std::optional<RunFolder> folder;
  Progress progress(first && Progress::is_terminal());
  if (first) {
    folder.emplace(config, warn);
    log.open(out / "log.txt");
    std::printf("%s\n", to_ini(config).c_str());
  }
  comm->barrier();
  auto found = find_checkpoint(config, *comm, log);
  TrainerParts parts = setup.parts(*comm, log);
  parts.store = folder ? &folder->store : nullptr;
  parts.progress = first ? &progress : nullptr;
  Trainer trainer(parts, setup.options);
  if (found) restore(trainer, *found, config);
  if (first) trainer.set_metrics(folder->go_on(config, trainer.position().step));
  log.info(description(config, setup, *comm, *machine.backend));
  warn_about(config, session, machine, threads, *setup.train_data, log);
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
