#include "launcher/time_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "framework/base/text.h"
#include "launcher/limits.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

constexpr int64_t kWarmUp = 3;              // steps
constexpr int64_t kWarmUpOfGpu = 5;         // steps, one of which is recorded
constexpr double kLeastShare = 0.005;       // layers below this share one line
constexpr double kLeastWorkShare = 0.0005;  // kinds of work below this are omitted
constexpr double kGiga = 1e9;

struct Pass {
  double seconds = 0;
  double least_seconds = 0;
  int64_t multiply_adds = 0;
  int64_t bytes = 0;

  void add(const Pass& more) {
    seconds += more.seconds;
    least_seconds += more.least_seconds;
    multiply_adds += more.multiply_adds;
    bytes += more.bytes;
  }
};

Pass pass_of(const Cost& cost) {
  return {cost.seconds, cost.least_seconds, cost.multiply_adds, cost.bytes};
}

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

// Layers in order of first appearance.
std::vector<Layer> layers_of(const std::vector<Cost>& costs) {
  std::vector<Layer> layers;
  std::map<std::string, size_t> places;
  for (const Cost& cost : costs) {
    const std::string name = layer_name(cost);
    const auto [place, is_new] = places.try_emplace(name, layers.size());
    if (is_new) layers.push_back({.name = name});
    Layer& layer = layers[place->second];
    (cost.backward ? layer.backward : layer.forward).add(pass_of(cost));
  }
  return layers;
}

// Merges the layers with a negligible share into one line at the end.
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

// The measurements of the report.
struct Measured {
  std::vector<Cost> costs = {};
  TrainerTimes times = {};  // of the measured steps
  int64_t steps = 0;
  double peak = 0;    // GFLOP/s
  double memory = 0;  // GB/s

  double seconds() const { return times.steps + times.data_wait; }
  std::string milliseconds(double all) const {
    return fixed(1e3 * all / static_cast<double>(steps), 3);
  }
};

std::string percent(double share) { return fixed(100 * share, 1) + " %"; }

// Appends billions per second and the share of the peak rate.
void append_rate(Row& row, double amount, double seconds, double most) {
  if (amount <= 0 || seconds <= 0) {
    row.insert(row.end(), {"-", "-"});
    return;
  }
  const double rate = amount / seconds / kGiga;
  row.insert(row.end(), {fixed(rate, 1), percent(rate / most)});
}

// Appends GFLOP/s; a multiply-add counts as two operations.
void append_products(Row& row, const Pass& pass, double peak) {
  append_rate(row, 2.0 * static_cast<double>(pass.multiply_adds), pass.seconds, peak);
}

std::string possible_share(const Pass& pass) {
  return pass.seconds > 0 ? percent(pass.least_seconds / pass.seconds) : "-";
}

std::string layer_table(const Measured& measured) {
  const std::vector<Layer> layers = layers_of(measured.costs);
  Layer total{.name = "all"};
  for (const Layer& layer : layers) total.add(layer);
  std::vector<Layer> lines = joined(layers, measured.seconds());
  lines.push_back(total);
  std::vector<Row> rows = {{"layer", "forward ms", "backward ms", "G mult-adds", "GFLOP/s forward",
                            "of peak", "backward", "of peak", "possible"}};
  for (const Layer& line : lines) {
    const double giga = static_cast<double>(line.forward.multiply_adds) / kGiga;
    Row row = {line.name, measured.milliseconds(line.forward.seconds),
               measured.milliseconds(line.backward.seconds),
               line.forward.multiply_adds > 0 ? fixed(giga / static_cast<double>(measured.steps), 4)
                                              : "-"};
    append_products(row, line.forward, measured.peak);
    append_products(row, line.backward, measured.peak);
    Pass both = line.forward;
    both.add(line.backward);
    row.push_back(possible_share(both));
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
  std::vector<Row> rows = {{"work", "ms a step", "share", "GFLOP/s", "of peak", "GB/s", "of memory",
                            "possible ms", "possible"}};
  const auto add = [&](const char* name, double seconds) {
    if (seconds < kLeastWorkShare * measured.seconds()) return false;
    rows.push_back({name, measured.milliseconds(seconds), percent(seconds / measured.seconds())});
    return true;
  };
  const auto add_pass = [&](const char* name, const Pass& pass) {
    if (!add(name, pass.seconds)) return;
    Row& row = rows.back();
    append_products(row, pass, measured.peak);
    append_rate(row, static_cast<double>(pass.bytes), pass.seconds, measured.memory);
    row.insert(row.end(), {measured.milliseconds(pass.least_seconds), possible_share(pass)});
  };
  Pass all;
  for (const auto& [work, name] : kKinds) {
    Pass pass;
    for (const Cost& cost : measured.costs)
      if (cost.work == work) pass.add(pass_of(cost));
    add_pass(name, pass);
    all.add(pass);
  }
  add_pass("all of these", all);
  rest -= all.seconds + measured.times.data_wait + measured.times.comm_wait;
  add("waiting for data", measured.times.data_wait);
  add("waiting for other ranks", measured.times.comm_wait);
  add("rest", rest);
  return table(rows);
}

// The kernels that computed the convolutions; one line per combination with its layers.
std::string convolution_lines(const std::vector<Cost>& costs) {
  const auto name_of = [](ConvolutionPass pass) {
    return pass == ConvolutionPass::forward          ? "forward "
           : pass == ConvolutionPass::backward_input ? "input gradient "
                                                     : "weight gradient ";
  };
  std::vector<std::string> layers;
  std::map<std::string, std::set<std::pair<ConvolutionPass, std::string>>> kernels;
  for (const Cost& cost : costs) {
    if (cost.convolutions.empty()) continue;
    const auto [place, is_new] = kernels.try_emplace(layer_name(cost));
    if (is_new) layers.push_back(place->first);
    place->second.insert(cost.convolutions.begin(), cost.convolutions.end());
  }
  std::vector<Row> lines;  // the kernels, and the layers
  for (const std::string& layer : layers) {
    std::vector<std::string> passes;
    for (const auto& [pass, kernel] : kernels[layer]) passes.push_back(name_of(pass) + kernel);
    const std::string line = join(passes, ", ");
    const auto same = std::find_if(lines.begin(), lines.end(),
                                   [&](const Row& known) { return known.front() == line; });
    if (same == lines.end())
      lines.push_back({line, layer});
    else
      same->push_back(layer);
  }
  std::string text;
  for (Row& line : lines) {
    const std::string combination = line.front();
    line.erase(line.begin());
    text += concat("convolutions: ", combination, ": ", join(line, ", "), "\n");
  }
  return text.empty() ? text : text + "\n";
}

TrainerTimes difference(const TrainerTimes& later, const TrainerTimes& earlier) {
  return {.samples = later.samples - earlier.samples,
          .steps = later.steps - earlier.steps,
          .comm_wait = later.comm_wait - earlier.comm_wait,
          .data_wait = later.data_wait - earlier.data_wait};
}

// Times of the next `steps` steps.
TrainerTimes times_of(Trainer& trainer, int64_t steps) {
  const TrainerTimes before = trainer.times();
  trainer.advance(steps);
  return difference(trainer.times(), before);
}

std::string limits_line(const TimeSubject& subject, const Limits& limits) {
  std::string line = "large matrix products: ";
  for (const auto& [dtype, rate] : limits.multiply_adds_per_second) {
    if (line.back() != ' ') line += ", ";
    line += concat(dtype == DType::f32 && subject.tf32 ? "tf32" : to_string(dtype), " ",
                   fixed(2 * rate / kGiga, 1), " GFLOP/s");
  }
  return concat(line, "; memory: ", fixed(limits.bytes_per_second / kGiga, 1), " GB/s\n");
}

std::string products_line(const TimeSubject& subject) {
  const std::string products = subject.profiler.backend().describe_products(subject.activations);
  return products.empty() ? products : products + "\n";
}

}  // namespace

std::string time_report(const TimeSubject& subject, int64_t steps) {
  Profiler& profiler = subject.profiler;
  Backend& backend = profiler.backend();
  profiler.set_counting(false);
  const Limits limits = measured_limits(backend, {DType::f32, subject.activations});
  Measured measured{.steps = steps,
                    .peak = 2 * limits.multiply_adds_per_second.at(subject.activations) / kGiga,
                    .memory = limits.bytes_per_second / kGiga};
  const bool goes_ahead = backend.device().kind != DeviceKind::cpu;  // of the device
  subject.trainer.advance(goes_ahead ? kWarmUpOfGpu : kWarmUp);
  const TrainerTimes undisturbed = goes_ahead ? times_of(subject.trainer, steps) : TrainerTimes{};
  profiler.set_limits(limits);
  profiler.set_counting(true);
  profiler.reset();
  measured.times = times_of(subject.trainer, steps);
  measured.costs = profiler.costs();
  const TrainerTimes& times = goes_ahead ? undisturbed : measured.times;
  const double seconds = times.steps + times.data_wait;
  std::string text = concat(layer_table(measured), "\n", kind_table(measured), "\n",
                            convolution_lines(measured.costs));
  if (goes_ahead)
    text += concat("waiting for each operation, which adds overhead, a step took ",
                   measured.milliseconds(measured.seconds()), " ms; without waiting, it took ",
                   measured.milliseconds(seconds), " ms\n");
  return concat(
      text, steps, steps == 1 ? " step, " : " steps, ",
      fixed(static_cast<double>(times.samples) / seconds, 1), " examples/s with data; ",
      limits_line(subject, limits), products_line(subject),
      "possible ms: multiplying at the peak rate or moving each operand once through memory, "
      "whichever takes longer;\npossible: its share of the measured time, above 100 % if "
      "operands stay in caches or Winograd needs fewer multiplications\n");
}

}  // namespace d2l::launcher
