#include "launcher/plan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "framework/base/random_id.h"
#include "framework/base/text.h"
#include "launcher/data_memory.h"
#include "launcher/options/usage.h"
#include "launcher/plan_measurement.h"
#include "launcher/plan_network.h"
#include "launcher/plan_text.h"
#include "launcher/planned_run.h"
#include "launcher/ranks.h"
#include "launcher/setup.h"

namespace d2l::launcher {
namespace {

// The cores that this rank can use.
double cores_of(const MpiSession& session) {
  const double share = static_cast<double>(session.local_cores()) / session.local_size();
  return std::min(
      {static_cast<double>(session.own_cores()), std::max(share, 1.0), session.cpu_quota()});
}

Carrier carrier_of(const Config& config, const Machine& machine) {
  return machine.on_gpu() && config.machine.comm != CommChoice::mpi ? Carrier::nccl : Carrier::mpi;
}

// The timeline of the rank that computes longest.
StepTimeline slowest(const StepTimeline& mine, const MpiSession& session) {
  using Event = StepTimeline::Event;
  std::string bytes(sizeof(double) + mine.events.size() * sizeof(Event), '\0');
  std::memcpy(bytes.data(), &mine.rest, sizeof(double));
  std::memcpy(bytes.data() + sizeof(double), mine.events.data(), bytes.size() - sizeof(double));
  StepTimeline found = mine;
  for (const std::string& of_rank : session.gather(bytes)) {
    StepTimeline timeline;
    std::memcpy(&timeline.rest, of_rank.data(), sizeof(double));
    timeline.events.resize((of_rank.size() - sizeof(double)) / sizeof(Event));
    std::memcpy(timeline.events.data(), of_rank.data() + sizeof(double),
                of_rank.size() - sizeof(double));
    if (timeline.compute() > found.compute()) found = timeline;
  }
  return found;
}

void check_possible(const Config& config, int ranks) {
  const PlanConfig& options = config.plan;
  if (config.cross_validation.has_all_folds())
    usage("--plan expects a single run, found --kfold ", config.cross_validation.folds,
          ": plan one fold with --fold 1");
  if (ranks > 1) return;
  const bool has_network = !options.network.text.empty(), has_ranks = !options.ranks.counts.empty();
  if (has_ranks && !has_network)
    usage("--plan-ranks ", text_of(options.ranks),
          " expects --plan-network, or several ranks among which the network is measured");
  if (has_network && !has_ranks)
    usage("--plan-network ", options.network.text,
          " has no effect on one rank without --plan-ranks");
}

PlannedRun planned_run(const Config& config, const Machine& machine, const MpiSession& session) {
  return {
      .amounts = {},
      .measured = {},
      .conditions = {.ranks = session.size(),
                     .carrier = config.plan.network.carrier.value_or(carrier_of(config, machine)),
                     .network = config.plan.network.network},
      .cores = cores_of(session),
      .threads = machine.on_gpu() ? 0 : machine.threads.count,
      .is_given = config.plan.compute.seconds > 0};
}

}  // namespace

std::string plan(Config config, const Machine& machine, const MpiSession& session) {
  const int ranks = session.size();
  if (config.run.resume.empty()) config.run.id = random_id();  // checkpoints contain one
  std::optional<Setup> setup;
  run_on_all_ranks(session, [&] {
    check_possible(config, ranks);
    setup.emplace(config, machine, *machine.backend);
  });
  check_agreement(setup->facts(), *machine.comm, session.host());
  if (!config.run.id.empty()) setup->options.texts["run"] = config.run.id;

  PlannedRun run = planned_run(config, machine, session);
  run.amounts = amounts_of(config, *setup);
  const std::string head = concat(
      description(config, *setup, machine, *machine.backend), "\n",
      data_memory(*setup->train_data, setup->test_data.get(), machine.loader_threads), "\n\n");
  const bool is_network_given = !config.plan.network.text.empty();
  const auto measure = [&](const StepTimeline& timeline, const std::function<void()>& step) {
    if (ranks == 1 || is_network_given) return;
    const MeasuredNetwork found = measure_network(*machine.comm, *machine.backend,
                                                  run.conditions.carrier, timeline.compute(), step);
    run.conditions.network = found.network;
    run.conditions.speed_in_transfer = found.speed_in_transfer;
    run.conditions.bandwidth_in_compute = found.bandwidth_in_compute;
  };
  // Some work is done only if there are several ranks.
  const bool as_of_several = !config.plan.ranks.counts.empty() && config.training.reproducible == 0;
  run.measured =
      measure_steps(*setup, machine, as_of_several ? std::max(ranks, 2) : ranks, measure);
  run.measured.timeline = slowest(run.measured.timeline, session);
  if (run.is_given) {
    const double factor = config.plan.compute.seconds / run.measured.timeline.compute();
    run.measured.timeline = run.measured.timeline.scaled(factor);
    run.measured.evaluation *= factor;
  }
  return head + plan_text(run, {.on_gpu = machine.on_gpu(),
                                .is_network_given = is_network_given,
                                .ranks = config.plan.ranks.counts});
}

}  // namespace d2l::launcher
