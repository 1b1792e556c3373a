#include "launcher/time_report.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/tensor/create.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

constexpr int64_t kWarmUp = 3;              // steps
constexpr double kLeastShare = 0.005;       // of a layer with a line of its own
constexpr double kLeastWorkShare = 0.0005;  // of a kind of work with one
constexpr double kGiga = 1e9;

// GFLOP/s of a large matrix product, a multiply-add being two operations.
double measured_peak(Backend& backend, DType dtype) {
  constexpr int64_t kSide = 2048;
  constexpr int kTries = 3;
  const Tensor a = uniform(backend, {kSide, kSide}, {.seed = 1}).cast(dtype);
  Tensor product(backend, {kSide, kSide}, dtype);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) {
    const Timer timer;
    backend.matmul({}, a.view(), a.view(), {}, product.view());
    backend.synchronize();
    best = std::min(best, timer.seconds());
  }
  return 2.0 * kSide * kSide * kSide / best / kGiga;
}

struct Pass {
  double seconds = 0;
  int64_t multiply_adds = 0;

  void add(const Pass& more) {
    seconds += more.seconds;
    multiply_adds += more.multiply_adds;
  }
};

struct Layer {
  std::string name;
  Pass forward = {}, backward = {};

  double seconds() const { return forward.seconds + backward.seconds; }
  void add(const Layer& more) {
    forward.add(more.forward);
    backward.add(more.backward);
  }
};

std::string layer_name(const Cost& cost) {
  if (!cost.in_module) return "(outside of the network)";
  return cost.module.empty() ? "(the network itself)" : cost.module;
}

// In the order in which they are first met.
std::vector<Layer> layers_of(const std::vector<Cost>& costs) {
  std::vector<Layer> layers;
  std::map<std::string, size_t> places;
  for (const Cost& cost : costs) {
    const std::string name = layer_name(cost);
    const auto [place, is_new] = places.try_emplace(name, layers.size());
    if (is_new) layers.push_back({.name = name});
    Layer& layer = layers[place->second];
    (cost.backward ? layer.backward : layer.forward).add({cost.seconds, cost.multiply_adds});
  }
  return layers;
}

// Those that take next to nothing become one, at the end.
std::vector<Layer> joined(const std::vector<Layer>& layers, double total_seconds) {
  std::vector<Layer> result;
  Layer small;
  int64_t count = 0;
  for (const Layer& layer : layers) {
    if (layer.seconds() >= kLeastShare * total_seconds) {
      result.push_back(layer);
      continue;
    }
    small.add(layer);
    ++count;
  }
  if (count == 0) return result;
  small.name = concat("(", count, count == 1 ? " other" : " others", " below 0.5 %)");
  result.push_back(small);
  return result;
}

// All that the report is made of.
struct Measured {
  std::vector<Cost> costs = {};
  TrainerTimes times = {};  // of the measured steps
  int64_t steps = 0;
  double peak = 0;  // GFLOP/s

  double seconds() const { return times.steps + times.data_wait; }
  std::string milliseconds(double all) const {
    return fixed(1e3 * all / static_cast<double>(steps), 3);
  }
};

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }

// GFLOP/s and their share of the peak.
void append_rate(Row& row, const Pass& pass, double peak) {
  if (pass.multiply_adds == 0 || pass.seconds <= 0) {
    row.insert(row.end(), {"-", "-"});
    return;
  }
  const double rate = 2.0 * static_cast<double>(pass.multiply_adds) / pass.seconds / kGiga;
  row.insert(row.end(), {fixed(rate, 1), percent(rate / peak)});
}

std::string layer_table(const Measured& measured) {
  const std::vector<Layer> layers = layers_of(measured.costs);
  Layer total{.name = "all"};
  for (const Layer& layer : layers) total.add(layer);
  std::vector<Layer> lines = joined(layers, measured.seconds());
  lines.push_back(total);
  std::vector<Row> rows = {{"layer", "forward ms", "backward ms", "G mult-adds", "GFLOP/s forward",
                            "of peak", "backward", "of peak"}};
  for (const Layer& line : lines) {
    const double giga = static_cast<double>(line.forward.multiply_adds) / kGiga;
    Row row = {line.name, measured.milliseconds(line.forward.seconds),
               measured.milliseconds(line.backward.seconds),
               line.forward.multiply_adds > 0 ? fixed(giga / static_cast<double>(measured.steps), 4)
                                              : "-"};
    append_rate(row, line.forward, measured.peak);
    append_rate(row, line.backward, measured.peak);
    rows.push_back(std::move(row));
  }
  return table(rows);
}

std::string kind_table(const Measured& measured) {
  constexpr std::pair<Work, const char*> kKinds[] = {{Work::convolution, "convolution"},
                                                     {Work::matmul, "matmul"},
                                                     {Work::attention, "attention"},
                                                     {Work::normalisation, "normalisation"},
                                                     {Work::pooling, "pooling"},
                                                     {Work::element_wise, "element-wise"},
                                                     {Work::copies, "copies and reductions"},
                                                     {Work::loss, "loss"},
                                                     {Work::optimizer, "optimizer"}};
  double rest = measured.seconds();
  std::vector<Row> rows = {{"work", "ms a step", "share"}};
  const auto add = [&](const char* name, double seconds) {
    if (seconds < kLeastWorkShare * measured.seconds()) return;
    rows.push_back({name, measured.milliseconds(seconds), percent(seconds / measured.seconds())});
    rest -= seconds;
  };
  for (const auto& [work, name] : kKinds) {
    double seconds = 0;
    for (const Cost& cost : measured.costs)
      if (cost.work == work) seconds += cost.seconds;
    add(name, seconds);
  }
  add("waiting for data", measured.times.data_wait);
  add("waiting for other ranks", measured.times.comm_wait);
  add("rest", rest);
  return table(rows);
}

TrainerTimes difference(const TrainerTimes& later, const TrainerTimes& earlier) {
  return {.samples = later.samples - earlier.samples,
          .steps = later.steps - earlier.steps,
          .comm_wait = later.comm_wait - earlier.comm_wait,
          .data_wait = later.data_wait - earlier.data_wait};
}

}  // namespace

std::string time_report(const TimeSubject& subject, int64_t steps) {
  Measured measured{.steps = steps, .peak = measured_peak(subject.backend, DType::f32)};
  std::string peaks = concat("f32 ", fixed(measured.peak, 1), " GFLOP/s");
  if (subject.activations != DType::f32) {
    measured.peak = measured_peak(subject.backend, subject.activations);
    peaks += concat(", ", to_string(subject.activations), " ", fixed(measured.peak, 1), " GFLOP/s");
  }
  subject.trainer.advance(kWarmUp);
  subject.backend.reset();
  const TrainerTimes before = subject.trainer.times();
  subject.trainer.advance(steps);
  measured.times = difference(subject.trainer.times(), before);
  measured.costs = subject.backend.costs();
  const double rate = static_cast<double>(measured.times.samples) / measured.seconds();
  return concat(layer_table(measured), "\n", kind_table(measured), "\n", steps,
                steps == 1 ? " step, " : " steps, ", fixed(rate, 1),
                " examples/s with data; large matrix products: ", peaks, "\n");
}

}  // namespace d2l::launcher
