#include "launcher/report_tool/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "framework/train/objectives/regression.h"
#include "launcher/metrics_reader.h"

namespace d2l::report_tool {
namespace {

using launcher::MetricsReader;
using launcher::number_in;

constexpr const char *kDataWait = "data_wait_s", *kCommWait = "comm_wait_s";
constexpr size_t kMostClockPoints = 400;
constexpr std::string_view kTest = "test_";

bool is_place(const std::string& name) {
  return name == "step" || name == "epoch" || name == "samples" || name == "run";
}

// Every n-th element and the last.
std::vector<double> sparse(const std::vector<double>& values, size_t most) {
  const size_t stride = values.size() / most + 1;
  std::vector<double> few;
  for (size_t i = 0; i < values.size(); i += stride) few.push_back(values[i]);
  if (!values.empty() && (values.size() - 1) % stride != 0) few.push_back(values.back());
  return few;
}

struct Column {
  std::string name;
  Curve curve;  // with all points
};

// Adds up the lines of a metrics file.
class Reader {
 public:
  Reader(const MetricsReader::Fields& names, std::vector<int64_t> resumed_after)
      : resumed_after_(std::move(resumed_after)) {
    for (const std::string_view name : names) columns_.push_back({std::string(name), {}});
    metrics_.last_loss = std::numeric_limits<double>::quiet_NaN();
    metrics_.clock = {{0}, {0}, {0}};
  }

  void add(const MetricsReader::Fields& fields) {
    ++metrics_.lines;
    step_ = number_in(fields[0]);
    samples_ = value(fields, "samples");
    const double rate = value(fields, "examples_per_s");
    const double seconds = rate > 0 ? begin_window() / rate : 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& name = columns_[i].name;
      if (is_place(name) || fields[i].empty()) continue;
      double number = number_in(fields[i]);
      if (name == kDataWait || name == kCommWait) {
        if (seconds <= 0) continue;
        number *= 100 / seconds;
      }
      if (std::isfinite(number))
        columns_[i].curve.add(step_, number);
      else
        ++metrics_.not_finite;
    }
    if (rate > 0) end_window(rate);
    metrics_.last_step = static_cast<int64_t>(step_);
    if (std::isfinite(samples_)) metrics_.samples = samples_;
  }

  Metrics take(size_t most_points) {
    Metrics::Clock& clock = metrics_.clock;
    if (clock.seconds.back() > 0)
      metrics_.examples_per_s = clock.samples.back() / clock.seconds.back();
    for (std::vector<double>* numbers : {&clock.steps, &clock.samples, &clock.seconds})
      *numbers = sparse(*numbers, kMostClockPoints);
    for (const Column& column : columns_) {
      if (column.curve.empty()) continue;
      if (column.name == "loss") metrics_.last_loss = column.curve.values.back();
      if (column.name.starts_with(kTest)) add_result(column);
      metrics_.columns.push_back({column.name, thinned(column.curve, most_points)});
    }
    return std::move(metrics_);
  }

 private:
  double value(const MetricsReader::Fields& fields, const char* name) const {
    for (size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].name == name) return number_in(fields[i]);
    return std::numeric_limits<double>::quiet_NaN();
  }

  // The samples that a training line stands for: those since the previous training line, or since
  // a job began between them.
  double begin_window() const {
    const Metrics::Clock& clock = metrics_.clock;
    const double before = clock.steps.back(), samples = samples_ - clock.samples.back();
    double begin = before;
    for (const int64_t resumed : resumed_after_)
      if (static_cast<double>(resumed) < step_) begin = std::max(begin, double(resumed));
    return step_ > before ? samples * (step_ - begin) / (step_ - before) : 0;
  }

  // Of the steps that were lost before a job began, nothing is known: they count like the others.
  void end_window(double rate) {
    Metrics::Clock& clock = metrics_.clock;
    if (!(samples_ >= clock.samples.back()) || step_ <= clock.steps.back()) return;
    clock.seconds.push_back(clock.seconds.back() + (samples_ - clock.samples.back()) / rate);
    clock.steps.push_back(step_);
    clock.samples.push_back(samples_);
  }

  void add_result(const Column& column) {
    const std::string name = column.name.substr(kTest.size());
    const std::vector<double>& values = column.curve.values;
    const auto best = larger_is_better(name) ? std::max_element(values.begin(), values.end())
                                             : std::min_element(values.begin(), values.end());
    metrics_.results.push_back(
        {.name = name,
         .last = values.back(),
         .best = *best,
         .best_step =
             static_cast<int64_t>(column.curve.steps[static_cast<size_t>(best - values.begin())])});
  }

  std::vector<int64_t> resumed_after_;
  std::vector<Column> columns_;
  Metrics metrics_;
  double step_ = 0, samples_ = 0;
};

template <class Items>
auto find_named(const Items& items, const std::string& name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

bool larger_is_better(const std::string& name) {
  if (name == loss_metric().name) return loss_metric().larger_is_better;
  const std::unique_ptr<Objective> regression = make_regression({.log_error = true});
  for (const Metric& metric : regression->metrics())
    if (metric.name == name) return metric.larger_is_better;
  return true;
}

const Metrics::Column* Metrics::column(const std::string& name) const {
  return find_named(columns, name);
}

const Metrics::Result* Metrics::result(const std::string& name) const {
  return find_named(results, name);
}

Metrics read_metrics(const std::filesystem::path& path, const MetricsOptions& options) {
  MetricsReader lines(path);
  Reader reader(lines.names(), options.resumed_after);
  for (MetricsReader::Fields fields; lines.next(fields);) reader.add(fields);
  Metrics metrics = reader.take(options.most_points);
  metrics.damaged = lines.damaged();
  return metrics;
}

}  // namespace d2l::report_tool
