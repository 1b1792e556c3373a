#include "launcher/plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "framework/base/random_id.h"
#include "framework/base/text.h"
#include "framework/train/step_model.h"
#include "framework/train/work_left.h"
#include "launcher/data_memory.h"
#include "launcher/options/usage.h"
#include "launcher/plan_measurement.h"
#include "launcher/plan_network.h"
#include "launcher/ranks.h"
#include "launcher/setup.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

constexpr double kMilli = 1e3, kGiga = 1e9;

// The cores that this rank can use.
double cores_of(const MpiSession& session) {
  const double share = static_cast<double>(session.local_cores()) / session.local_size();
  return std::min(
      {static_cast<double>(session.own_cores()), std::max(share, 1.0), session.cpu_quota()});
}

// What the run does, as numbers.
struct Amounts {
  int64_t samples = 0, batch = 0, steps_per_epoch = 0;
  int64_t epochs = 0, steps = 0;  // of the run
  int64_t test_batches = 0;
  WorkLeft work = {};
};

Amounts amounts_of(const Config& config, const Setup& setup) {
  const int64_t steps_per_epoch = setup.train_data->steps_per_epoch(),
                samples = setup.train_data->samples();
  Amounts found{.samples = samples,
                .batch = std::min(config.training.batch_size, samples),
                .steps_per_epoch = steps_per_epoch,
                .epochs = config.training.epochs,
                .steps = config.training.epochs * steps_per_epoch};
  if (config.training.max_steps > 0) found.steps = std::min(found.steps, config.training.max_steps);
  if (setup.test_data) found.test_batches = setup.test_data->steps_per_epoch();
  const Position start = Position::at_start(setup.objective->metrics(), config.run.best);
  found.work = work_left(setup.options, start, samples, steps_per_epoch);
  return found;
}

// The time of a step with everything, under given conditions.
struct PlannedStep {
  StepTime time;
  double seconds = 0;
  std::string limit = {};  // what else is slower than the model of the step: ""
};

class Plan {
 public:
  Plan(const Config& config, const Machine& machine, const MpiSession& session, Amounts amounts,
       PlanMeasurement measured)
      : config_(config),
        machine_(machine),
        amounts_(std::move(amounts)),
        measured_(std::move(measured)),
        cores_(cores_of(session)) {
    conditions_.ranks = machine.comm->size();
    const bool by_nccl = machine.on_gpu() && config.machine.comm != CommChoice::mpi;
    conditions_.carrier =
        config.plan.network.carrier.value_or(by_nccl ? Carrier::nccl : Carrier::mpi);
    conditions_.network = config.plan.network.network;
    if (config.plan.compute.seconds > 0)
      measured_.trace =
          measured_.trace.scaled(config.plan.compute.seconds / measured_.trace.compute());
  }

  void use(const MeasuredNetwork& found) {
    conditions_.network = found.network;
    conditions_.speed_in_transfer = found.speed_in_transfer;
  }

  std::string text() const {
    return concat(memory_text(), "\n", disk_text(), "\n", steps_text(), "\n", time_text(),
                  ranks_text());
  }

 private:
  std::string memory_text() const {
    const PlannedMemory& memory = measured_.memory;
    std::vector<Row> rows = {{"memory of rank 0 at its peak", ""}};
    const auto add = [&](const char* name, uint64_t bytes) {
      if (bytes > 0) rows.push_back({concat("  ", name), human_bytes(bytes)});
    };
    add("parameters and running statistics", memory.parameters);
    add("gradients", memory.gradients);
    add("optimizer", memory.optimizer);
    add("averaged weights", memory.averages);
    add("activations and work space", memory.rest());
    add("batches loaded in advance", memory.batches);
    rows.push_back({machine_.on_gpu() ? "all of these, on the GPU" : "all of these",
                    human_bytes(memory.pool)});
    rows.push_back({machine_.on_gpu() ? "the process, on the host" : "the process, with these",
                    human_bytes(memory.process)});
    return table(rows);
  }

  std::string disk_text() const {
    const bool has_tests = amounts_.test_batches > 0;
    const int64_t kept = std::min(config_.run.keep, std::max<int64_t>(amounts_.work.saves, 1));
    const auto most = static_cast<uint64_t>(kept + (has_tests ? 1 : 0));
    return concat("a checkpoint: ", with_thousands(static_cast<int64_t>(measured_.checkpoint)),
                  " bytes\nrun folder: up to ", human_bytes(most * measured_.checkpoint), " (",
                  kept, kept == 1 ? " checkpoint" : " checkpoints", has_tests ? " and best.h5" : "",
                  "), and one more checkpoint while it is written\n");
  }

  std::string steps_text() const {
    return concat("steps: ", with_thousands(amounts_.steps_per_epoch), " in an epoch of ",
                  with_thousands(amounts_.samples), " samples, ", with_thousands(amounts_.steps),
                  " in all; batches of ", with_thousands(amounts_.batch), ", ",
                  with_thousands(measured_.samples), " for rank 0\n");
  }

  PlannedStep step(int ranks) const {
    StepConditions conditions = conditions_;
    conditions.ranks = ranks;
    PlannedStep planned{.time = step_time(measured_.trace, conditions)};
    planned.seconds = planned.time.seconds;
    if (config_.plan.compute.seconds > 0) return planned;
    const Loading& loading = measured_.loading;
    const double busy =
        (planned.time.compute * machine_.threads.count + loading.core_seconds) / cores_;
    if (loading.seconds > planned.seconds)
      planned.limit = "loading data takes longer";
    else if (!machine_.on_gpu() && busy > planned.seconds)
      planned.limit = "computing and loading data share the cores";
    planned.seconds = std::max(planned.seconds, loading.seconds);
    if (!machine_.on_gpu()) planned.seconds = std::max(planned.seconds, busy);
    return planned;
  }

  std::string network_text() const {
    if (conditions_.ranks == 1) return "";
    const Network& network = conditions_.network;
    std::string text =
        concat("network: latency ", rounded(network.latency * 1e6), " us, ",
               rounded(network.bandwidth / kGiga), " GB/s for each rank and direction, ",
               config_.plan.network.text.empty() ? "measured" : "given");
    if (conditions_.speed_in_transfer < 1)
      text += concat("; while bytes pass, a rank computes at ",
                     fixed(100 * conditions_.speed_in_transfer, 0), " % of its speed");
    return text + "\n";
  }

  std::string time_text() const {
    const PlannedStep planned = step(conditions_.ranks);
    const StepTime& time = planned.time;
    const auto ms = [](double seconds) { return rounded(seconds * kMilli) + " ms"; };
    std::vector<Row> rows = {{"computing", ms(time.compute),
                              config_.plan.compute.seconds > 0
                                  ? "given"
                                  : concat("measured in ", measured_.timed_steps, " steps")}};
    if (conditions_.ranks > 1) {
      rows.push_back({"all-reduces alone", ms(time.transfer),
                      concat(human_bytes(static_cast<uint64_t>(measured_.trace.reduced_bytes())),
                             ", of which ", fixed(100 * time.hidden(), 0), " % are hidden")});
      if (time.slowed > 0) rows.push_back({"slowed by transfers", ms(time.slowed)});
      rows.push_back({"waiting for other ranks", ms(time.waiting)});
    }
    if (config_.plan.compute.seconds == 0)
      rows.push_back({"loading the data", ms(measured_.loading.seconds), "in the background"});
    rows.push_back({"a step", ms(planned.seconds), planned.limit});
    std::string text = network_text() + columns(rows);
    const double epoch = static_cast<double>(amounts_.steps_per_epoch) * planned.seconds;
    const double evaluation = static_cast<double>(amounts_.test_batches) * measured_.evaluation;
    const double all = static_cast<double>(amounts_.steps) * planned.seconds +
                       static_cast<double>(amounts_.work.evaluations) * evaluation +
                       static_cast<double>(amounts_.work.saves) * measured_.snapshot;
    text += concat("an epoch: ", seconds_text(epoch));
    if (amounts_.test_batches > 0) text += concat(", an evaluation: ", seconds_text(evaluation));
    text += concat(", the run: ", seconds_text(all), " (", amounts_.work.evaluations,
                   amounts_.work.evaluations == 1 ? " evaluation, " : " evaluations, ",
                   amounts_.work.saves, amounts_.work.saves == 1 ? " save)\n" : " saves)\n");
    return text;
  }

  std::string ranks_text() const {
    if (config_.plan.ranks.counts.empty()) return "";
    std::vector<Row> rows = {{"ranks", "--batch-size", "step ms", "waiting ms", "hidden",
                              "samples/s", "efficiency", "epoch"}};
    const double alone = step(1).seconds;
    for (const int ranks : config_.plan.ranks.counts) {
      const PlannedStep planned = step(ranks);
      const int64_t batch = amounts_.batch * ranks / conditions_.ranks;
      const double steps =
          std::ceil(static_cast<double>(amounts_.samples) / static_cast<double>(batch));
      rows.push_back({with_thousands(ranks), with_thousands(batch),
                      rounded(planned.seconds * kMilli), rounded(planned.time.waiting * kMilli),
                      ranks == 1 ? "-" : fixed(100 * planned.time.hidden(), 1) + " %",
                      with_thousands(std::llround(static_cast<double>(batch) / planned.seconds)),
                      fixed(100 * alone / planned.seconds, 1) + " %",
                      seconds_text(steps * planned.seconds)});
    }
    return concat("\non other numbers of ranks, each with as many samples as now:\n", table(rows));
  }

  static std::string seconds_text(double seconds) {
    return seconds < 60 ? rounded(seconds) + " s" : human_seconds(seconds);
  }

  // A name, a number and a remark in each row.
  static std::string columns(std::vector<Row> rows) {
    std::vector<Row> numbers;
    for (const Row& row : rows) numbers.push_back({row[0], row[1]});
    std::vector<std::string> lines = split_lines(table(numbers));
    for (size_t i = 0; i < rows.size(); ++i)
      if (rows[i].size() > 2 && !rows[i][2].empty()) lines[i] += "  " + rows[i][2];
    return join(lines, "\n") + "\n";
  }

  const Config& config_;
  const Machine& machine_;
  Amounts amounts_;
  PlanMeasurement measured_;
  StepConditions conditions_;
  double cores_;
};

// The trace of the rank that computes longest.
StepTrace slowest(const StepTrace& mine, const MpiSession& session) {
  using Event = StepTrace::Event;
  std::string bytes(sizeof(double) + mine.events.size() * sizeof(Event), '\0');
  std::memcpy(bytes.data(), &mine.rest, sizeof(double));
  std::memcpy(bytes.data() + sizeof(double), mine.events.data(), bytes.size() - sizeof(double));
  StepTrace found = mine;
  for (const std::string& of_rank : session.gather(bytes)) {
    StepTrace trace;
    std::memcpy(&trace.rest, of_rank.data(), sizeof(double));
    trace.events.resize((of_rank.size() - sizeof(double)) / sizeof(Event));
    std::memcpy(trace.events.data(), of_rank.data() + sizeof(double),
                of_rank.size() - sizeof(double));
    if (trace.compute() > found.compute()) found = trace;
  }
  return found;
}

void check_possible(const Config& config, int ranks) {
  if (config.cross_validation.has_all_folds())
    usage("--plan expects a single run, found --kfold ", config.cross_validation.folds,
          ": plan one fold with --fold 1");
  if (ranks == 1 && !config.plan.ranks.counts.empty() && config.plan.network.text.empty())
    usage("--plan-ranks ", text_of(config.plan.ranks),
          " expects --plan-network, or several ranks among which the network is measured");
}

}  // namespace

std::string plan(Config config, const Machine& machine, const MpiSession& session) {
  const int ranks = session.size();
  check_possible(config, ranks);
  if (config.run.resume.empty()) config.run.id = random_id();  // checkpoints contain one
  std::optional<Setup> setup;
  run_on_all_ranks(session, [&] { setup.emplace(config, machine, *machine.backend); });
  check_agreement(setup->facts(), *machine.comm, session.host());
  if (!config.run.id.empty()) setup->options.texts["run"] = config.run.id;
  const Amounts amounts = amounts_of(config, *setup);
  std::string text = concat(
      description(config, *setup, machine, *machine.backend), "\n",
      data_memory(*setup->train_data, setup->test_data.get(), machine.loader_threads), "\n\n");
  // Averages over ranks are computed only if there are several.
  const bool as_of_several = !config.plan.ranks.counts.empty() && config.training.reproducible == 0;
  const bool measures_network = ranks > 1 && config.plan.network.text.empty();
  std::optional<MeasuredNetwork> network;
  PlanMeasurement measured = measure_steps(
      *setup, machine, as_of_several ? std::max(ranks, 2) : ranks,
      [&](const StepTrace& trace, const std::function<void()>& step) {
        if (!measures_network) return;
        const Carrier carrier = machine.on_gpu() && config.machine.comm != CommChoice::mpi
                                    ? Carrier::nccl
                                    : Carrier::mpi;
        network = measure_network(*machine.comm, *machine.backend, carrier, trace.compute(), step);
      });
  measured.trace = slowest(measured.trace, session);
  Plan plan(config, machine, session, amounts, std::move(measured));
  if (network) plan.use(*network);
  return text + plan.text();
}

}  // namespace d2l::launcher
