// d2l-predict: checkpoint -> network -> images -> probabilities -> CSV.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "data/formats/write_image.h"
#include "framework/backend/cuda_module.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/comm/agreement.h"
#include "framework/comm/launch_environment.h"
#include "launcher/assemble.h"
#include "launcher/devices.h"
#include "launcher/ending.h"
#include "launcher/options/normalization.h"
#include "launcher/predict/number_report.h"
#include "launcher/predict/prediction_report.h"
#include "launcher/predict/predictor.h"
#include "launcher/predict/sample_set.h"
#include "launcher/ranks.h"

namespace d2l::predict {
namespace {

constexpr int64_t kUsualTop = 5;

void say(const std::string& text) { std::cerr << visible(text) << '\n'; }

// The options of the run, with this job's machine.
launcher::Config job_config(const StoredNetwork& network, const PredictOptions& options) {
  launcher::Config config = network.config;
  config.machine = options.machine;
  config.machine.comm = launcher::CommChoice::mpi;  // ranks may share a GPU: they send no gradients
  config.machine.deterministic = true;
  const bool on_cpu =
      config.machine.device == launcher::DeviceChoice::cpu ||
      (config.machine.device == launcher::DeviceChoice::automatic && count_cuda_devices() == 0);
  launcher::PrecisionChoice& precision = config.training.precision;
  if (on_cpu && (precision == launcher::PrecisionChoice::fp16 ||
                 precision == launcher::PrecisionChoice::tf32))
    precision = launcher::PrecisionChoice::f32;
  return config;
}

std::string network_text(const StoredNetwork& network, const launcher::Config& config,
                         const LoadedNetwork& loaded) {
  const std::string precision = launcher::word_of(config.training.precision),
                    trained = launcher::word_of(network.config.training.precision);
  return concat(network.path.string(), network.choice.empty() ? "" : " (" + network.choice + ")",
                ": ", config.model.name, network.step_text(), ", ",
                with_thousands(loaded.parameters->count()), " parameters, ",
                network.is_averaged ? "averaged weights, " : "", precision,
                precision == trained ? "" : " instead of " + trained + ", which needs a GPU");
}

// What the job works with, and the warnings of all ranks. Collective.
void describe(const std::string& network, const SampleSet& images, const Preparation& preparation,
              const launcher::Machine& machine, const MpiSession& session) {
  std::string warnings = machine.thread_warning;
  if (!machine.fallback_reason.empty())
    warnings += "\n--device auto has chosen the CPU: " + machine.fallback_reason;
  const std::vector<std::string> lines = launcher::gather_messages(warnings, session);
  if (session.rank() != 0) return;
  say(network);
  say(concat(images.what, "; ", machine.comm->describe(), "; ", to_string(machine.threads), "; ",
             machine.backend->describe()));
  for (const std::string& note : images.notes) say("note: " + note);
  if (!preparation.note.empty()) say("note: " + preparation.note);
  for (const std::string& line : lines) say("warning: " + line);
}

void write_csv(const std::string& path, const std::string& text) {
  if (!path.empty()) return write_text_file(path, text);
  std::cout << text << std::flush;
  check(std::cout.good(), "cannot write to standard output");
}

// What a rank predicts, and with what.
struct Task {
  const PredictOptions& options;
  const StoredNetwork& network;
  const SampleSet& images;
  const PredictorParts& parts;
  Share share;
  const MpiSession& session;
};

void name_damaged(const std::vector<std::string>& damaged) {
  constexpr size_t kMostNamed = 100;
  for (size_t i = 0; i < std::min(damaged.size(), kMostNamed); ++i) say("damaged: " + damaged[i]);
  if (damaged.size() > kMostNamed) say(concat("damaged: ", damaged.size() - kMostNamed, " more"));
}

// On rank 0.
void report(const PredictOptions& options, const Report& found) {
  name_damaged(found.predictions.damaged);
  check(found.predictions.count() > 0, "expected images, found only damaged ones");
  write_csv(options.out, found.csv());
  if (!options.confusion.empty()) write_text_file(options.confusion, found.confusion_csv());
  if (!options.per_class.empty()) write_text_file(options.per_class, found.per_class_csv());
  if (!options.sheet.empty()) {
    const std::vector<uint8_t> png = data::encode_png(found.sheet(options.sheet_images));
    write_text_file(options.sheet, {png.begin(), png.end()});
  }
  std::cerr << found.summary() << std::flush;
}

// Returns the number of damaged samples. Collective, as is predict_numbers().
size_t predict_classes(const Task& task) {
  const std::vector<int64_t>& labels = task.images.labels;
  Predictions mine(task.options.top.value_or(std::min(task.network.classes(), kUsualTop)));
  mine.damaged = predict_share(task.parts, task.share, [&](const Output& output) {
    mine.add(output.sample, labels.empty() ? kNoLabel : labels[static_cast<size_t>(output.label)],
             output.values);
  });
  const Predictions all = gather_predictions(mine, task.session);
  const bool only_class = task.network.data.is_table() && !task.options.top;
  launcher::run_on_all_ranks(task.session, [&] {
    if (task.session.rank() == 0)
      report(task.options, {task.network, task.images, all, only_class});
  });
  return all.damaged.size();
}

size_t predict_numbers(const Task& task) {
  PredictedNumbers mine;
  mine.damaged = predict_share(task.parts, task.share, [&](const Output& output) {
    mine.samples.push_back(output.sample);
    mine.values.push_back(output.values[0]);
    mine.targets.push_back(output.target);
  });
  const PredictedNumbers all = gather_predictions(mine, task.session);
  launcher::run_on_all_ranks(task.session, [&] {
    if (task.session.rank() != 0) return;
    name_damaged(all.damaged);
    const auto objective =
        launcher::make_objective(task.network.config, task.network.data, task.parts.host);
    const NumberReport found = {task.images, all, *objective, task.parts.host};
    write_csv(task.options.out, found.csv());
    std::cerr << found.summary() << std::flush;
  });
  return all.damaged.size();
}

// Throws UsageError for output that this network or these images do not allow.
void check_outputs(const PredictOptions& options, const StoredNetwork& network,
                   const SampleSet& images) {
  const int64_t classes = network.classes();
  if (options.top && !network.data.has_labels())
    throw UsageError("--top has no effect: the network predicts numbers");
  if (options.top.value_or(1) > std::max<int64_t>(classes, 1))
    throw UsageError(concat("--top expects at most the ", classes,
                            " classes of the network, found ", *options.top));
  if (images.has_labels()) return;
  const char* compares = !options.confusion.empty()   ? "--confusion"
                         : !options.per_class.empty() ? "--per-class"
                                                      : nullptr;
  if (compares != nullptr)
    throw UsageError(concat(compares, " has no effect: the labels of the images are not known"));
}

Preparation preparation_for(const StoredNetwork& network, const SampleSet& images) {
  Shape shape = images.dataset->shape();
  if (network.data.is_table()) return {};
  shape[2] = network.input[2];
  return preparation_of(network, shape);
}

data::PackTeam team_of(const MpiSession& session) {
  data::PackTeam team;
  team.rank = session.rank();
  team.size = session.size();
  team.gather = [&session](const std::string& mine) { return session.gather(mine); };
  return team;
}

// Returns the exit code.
int run_rank(const PredictOptions& options, const std::string& words, MpiSession& session) {
  std::unique_ptr<Communicator> host = session.communicator();
  check_agreement({{"the build of d2l-predict", program_id()}, {"the command line", words}}, *host,
                  session.host());
  const StoredNetwork network = read_network(
      options, session, [](const std::string& message) { say("warning: " + message); });
  check_agreement({{"the step of the checkpoint", std::to_string(network.step)}}, *host,
                  session.host());
  const launcher::Config config = job_config(network, options);
  launcher::Machine machine = launcher::make_machine(config, session, std::move(host));
  const SampleSet images = find_samples(options, network, team_of(session), machine.loader_threads);
  const Preparation preparation = preparation_for(network, images);
  LoadedNetwork loaded;
  launcher::run_on_all_ranks(session, [&] {
    check_outputs(options, network, images);
    loaded = load_network(network, *machine.backend);
  });
  describe(network_text(network, config, loaded), images, preparation, machine, session);
  const PredictorParts parts = {
      .model = *loaded.model,
      .backend = *machine.backend,
      .host = machine.host_memory(),
      .samples = *images.dataset,
      .steps = preparation.steps,
      .channels = network.input[network.input.rank() - 1],
      .outputs = std::max<int64_t>(network.classes(), 1),
      .activations = launcher::activation_type(config.training.precision),
      .normalisation = launcher::parse_normalisation(config.images.normalize, network.data),
      .batch_size = options.batch_size,
      .loader_threads = machine.loader_threads};
  const Share share =
      share_of(images.dataset->samples(), options.batch_size, session.rank(), session.size());
  const Task task = {options, network, images, parts, share, session};
  const size_t damaged = network.data.has_labels() ? predict_classes(task) : predict_numbers(task);
  if (damaged == 0 || options.skips_damaged) return 0;
  throw JobError(concat(damaged, " of ", images.dataset->samples(),
                        " images are damaged and left out; --on-bad-sample skip accepts this"));
}

int run(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes beyond the file size limit then return an error
  if (asks_for_version(argc, argv)) {
    if (LaunchEnvironment::read(&std::getenv).is_reporting_rank) std::cout << version_text();
    return 0;
  }
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::optional<PredictOptions> options;
  std::string refused;
  try {
    options = parse_options(words);
    if (!options) {
      if (LaunchEnvironment::read(&std::getenv).is_reporting_rank) std::cout << predict_help();
      return 0;
    }
  } catch (const Error& error) {
    refused = error.what();
  }
  return launcher::run_job(&argc, &argv, refused, [&](MpiSession& session, LastWords&) {
    return run_rank(*options, join(words, " "), session);
  });
}

}  // namespace
}  // namespace d2l::predict

int main(int argc, char** argv) { return d2l::predict::run(argc, argv); }
