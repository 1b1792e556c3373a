#include "launcher/plan_text.h"

#include <cmath>

#include "framework/base/text.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

constexpr double kMilli = 1e3, kMicro = 1e6, kGiga = 1e9;

std::string milliseconds(double seconds) { return rounded(seconds * kMilli) + " ms"; }

std::string seconds_text(double seconds) {
  constexpr double kMinute = 60;
  return seconds < kMinute ? rounded(seconds) + " s" : human_seconds(seconds);
}

std::string percent(double share, int digits) { return fixed(100 * share, digits) + " %"; }

std::string counted(int64_t count, const std::string& what) {
  return concat(with_thousands(count), " ", what, count == 1 ? "" : "s");
}

std::string memory_text(const PlannedMemory& memory, bool on_gpu) {
  std::vector<Row> rows = {{"memory of rank 0 at its peak"}};
  const auto add = [&](const char* name, uint64_t bytes) {
    if (bytes > 0) rows.push_back({concat("  ", name), human_bytes(bytes)});
  };
  add("parameters and running statistics", memory.parameters);
  add("gradients", memory.gradients);
  add("optimizer", memory.optimizer);
  add("averaged weights", memory.averages);
  add("activations and work space", memory.rest());
  add("batches loaded in advance", memory.batches);
  rows.push_back({concat("all of these", on_gpu ? ", on the GPU" : ""), human_bytes(memory.pool)});
  rows.push_back({on_gpu ? "the process, on the host" : "the process, with these",
                  human_bytes(memory.process)});
  return table(rows);
}

std::string disk_text(const PlannedRun& run) {
  const uint64_t bytes = run.measured.checkpoint;
  const int64_t count = run.checkpoints();
  return concat("a checkpoint: ", with_thousands(static_cast<int64_t>(bytes)),
                " bytes\nrun folder: up to ", human_bytes(static_cast<uint64_t>(count) * bytes),
                " (", counted(count, "checkpoint"),
                run.amounts.test_batches > 0 ? " with best.h5" : "",
                "), and one more checkpoint while it is written\n");
}

std::string steps_text(const PlannedRun& run) {
  const RunAmounts& amounts = run.amounts;
  return concat("steps: ", with_thousands(amounts.steps_per_epoch), " in an epoch of ",
                counted(amounts.samples, "sample"), ", ", with_thousands(amounts.steps),
                " in all; batches of ", with_thousands(amounts.batch), ", ",
                with_thousands(run.measured.samples), " for rank 0\n");
}

std::string network_text(const PlannedRun& run, bool is_given) {
  const auto& [latency, bandwidth] = run.conditions.network;
  const double speed = run.conditions.speed_in_transfer,
               share = run.conditions.bandwidth_in_compute;
  return concat("network: latency ", rounded(latency * kMicro), " us, ", rounded(bandwidth / kGiga),
                " GB/s for each rank and direction, ", is_given ? "given" : "measured",
                speed < 1 || share < 1
                    ? concat("\nat the same time, a rank computes at ", percent(speed, 0),
                             " of its speed, and bytes pass at ", percent(share, 0))
                    : "",
                "\n");
}

const char* text_of(PlannedRun::Limit limit) {
  switch (limit) {
    case PlannedRun::Limit::model:
      return "";
    case PlannedRun::Limit::loading:
      return "as long as loading the data";
    case PlannedRun::Limit::cores:
      return "computing and loading data share the cores";
  }
  return "";
}

// A name, a number and a remark in each row.
std::string columns(const std::vector<Row>& rows) {
  std::vector<Row> numbers;
  numbers.reserve(rows.size());
  for (const Row& row : rows) numbers.push_back({row[0], row[1]});
  std::vector<std::string> lines = split_lines(table(numbers));
  for (size_t i = 0; i < rows.size(); ++i)
    if (!rows[i][2].empty()) lines[i] += "  " + rows[i][2];
  return join(lines, "\n") + "\n";
}

std::string step_text(const PlannedRun& run) {
  const PlannedRun::Step planned = run.step(run.conditions.ranks);
  const StepTime& time = planned.time;
  std::vector<Row> rows = {
      {"computing", milliseconds(time.compute),
       run.is_given ? "given" : concat("measured in ", counted(run.measured.timed_steps, "step"))}};
  if (run.conditions.ranks > 1) {
    const auto bytes = static_cast<uint64_t>(run.measured.timeline.reduced_bytes());
    rows.push_back({"all-reduces alone", milliseconds(time.transfer),
                    concat(human_bytes(bytes), ", of which ", percent(planned.hideable, 0),
                           " can be hidden and ", percent(time.hidden(), 0), " are")});
    if (time.slowed > 0) rows.push_back({"slower while bytes pass", milliseconds(time.slowed), ""});
    rows.push_back({"waiting for other ranks", milliseconds(time.waiting), ""});
  }
  if (!run.is_given)
    rows.push_back(
        {"loading the data", milliseconds(run.measured.loading.seconds), "at the same time"});
  rows.push_back({"a step", milliseconds(planned.seconds), text_of(planned.limit)});
  return columns(rows);
}

std::string times_text(const PlannedRun& run) {
  const WorkLeft& work = run.amounts.work;
  const bool has_tests = run.amounts.test_batches > 0;
  return concat("an epoch: ", seconds_text(run.epoch(run.conditions.ranks)),
                has_tests ? concat(", an evaluation: ", seconds_text(run.evaluation())) : "",
                ", the run: ", seconds_text(run.all()), " (",
                has_tests ? counted(work.evaluations, "evaluation") + ", " : "",
                counted(work.saves, "save"), ")\n");
}

std::string ranks_text(const PlannedRun& run, const std::vector<int>& counts) {
  if (counts.empty()) return "";
  std::vector<Row> rows = {{"ranks", "--batch-size", "step ms", "waiting ms", "hidden", "samples/s",
                            "efficiency", "epoch"}};
  const double alone = run.step(1).seconds;
  for (const int ranks : counts) {
    const PlannedRun::Step planned = run.step(ranks);
    const int64_t batch = run.batch(ranks);
    rows.push_back({with_thousands(ranks), with_thousands(batch), rounded(planned.seconds * kMilli),
                    rounded(planned.time.waiting * kMilli),
                    ranks == 1 ? "-" : percent(planned.time.hidden(), 1),
                    with_thousands(std::llround(static_cast<double>(batch) / planned.seconds)),
                    percent(alone / planned.seconds, 1), seconds_text(run.epoch(ranks))});
  }
  return concat("\non other numbers of ranks, each with as many samples as now:\n", table(rows));
}

}  // namespace

std::string plan_text(const PlannedRun& run, const PlanWords& words) {
  const bool has_network = run.conditions.ranks > 1 || !words.ranks.empty();
  return concat(memory_text(run.measured.memory, words.on_gpu), "\n", disk_text(run), "\n",
                steps_text(run), "\n", has_network ? network_text(run, words.is_network_given) : "",
                step_text(run), times_text(run), ranks_text(run, words.ranks));
}

}  // namespace d2l::launcher
