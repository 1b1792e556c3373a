#include "framework/train/step_model.h"

#include <algorithm>
#include <map>

#include "framework/base/error.h"

namespace d2l {
namespace {

using Event = StepTrace::Event;

double middle(std::vector<double> values) {
  const auto at = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The clock of a rank that computes more slowly while bytes pass.
class Clock {
 public:
  explicit Clock(double speed_in_transfer) : speed_(speed_in_transfer) {}

  double now() const { return now_; }
  void wait_until(double time) { now_ = std::max(now_, time); }
  // `busy`: all times at which bytes pass while this work is done.
  void compute(double work, const std::vector<LinkQueue::Busy>& busy) {
    for (; next_ < busy.size() && work > 0; ++next_) {
      const auto [begin, end] = busy[next_];
      const double before = std::min(std::max(begin - now_, 0.0), work);
      now_ += before;
      work -= before;
      const double during = std::min(std::max(end - now_, 0.0) * speed_, work);
      if (work == 0 || now_ < begin) return;
      now_ += during / speed_;
      work -= during;
      if (now_ < end && work == 0) return;
    }
    now_ += work;
  }

 private:
  double speed_, now_ = 0;
  size_t next_ = 0;  // the first busy time that may not be over
};

}  // namespace

double StepTrace::compute() const {
  double seconds = rest;
  for (const Event& event : events) seconds += event.compute;
  return seconds;
}

int64_t StepTrace::reduced_bytes() const {
  int64_t bytes = 0;
  for (const Event& event : events)
    if (event.what == Event::What::start && event.kind == Collective::Kind::all_reduce)
      bytes += event.bytes;
  return bytes;
}

StepTrace StepTrace::scaled(double factor) const {
  StepTrace trace = *this;
  for (Event& event : trace.events) event.compute *= factor;
  trace.rest *= factor;
  return trace;
}

StepTrace median_of(const std::vector<StepTrace>& traces) {
  check(!traces.empty(), "median of steps: expected at least 1, found none");
  StepTrace result = traces.front();
  const auto of_all = [&](auto&& time_of) {
    std::vector<double> times;
    times.reserve(traces.size());
    for (const StepTrace& trace : traces) times.push_back(time_of(trace));
    return middle(times);
  };
  for (const StepTrace& trace : traces)
    check(trace.events.size() == result.events.size(), "median of steps: expected ",
          result.events.size(), " events, found ", trace.events.size());
  for (size_t i = 0; i < result.events.size(); ++i)
    result.events[i].compute = of_all([i](const StepTrace& t) { return t.events[i].compute; });
  result.rest = of_all([](const StepTrace& trace) { return trace.rest; });
  // Medians of parts do not add up to the median of the whole.
  const double whole = of_all([](const StepTrace& trace) { return trace.compute(); });
  const double sum = result.compute();
  return sum > 0 ? result.scaled(whole / sum) : result;
}

StepTime step_time(const StepTrace& trace, const StepConditions& conditions) {
  const auto& [ranks, carrier, network, speed] = conditions;
  LinkQueue link(network, carrier);
  Clock clock(speed);
  StepTime time{.compute = trace.compute()};
  std::map<uint64_t, double> complete;  // operation -> when
  for (const Event& event : trace.events) {
    clock.compute(event.compute, link.busy());
    if (event.what == Event::What::wait) {
      const double before = clock.now();
      clock.wait_until(complete[event.operation]);
      time.waiting += clock.now() - before;
      continue;
    }
    double& end = complete[event.operation] = clock.now();
    for (const Transfer& part : transfers_of(event.kind, event.bytes, ranks, carrier, network))
      end = std::max(end, link.add(part, clock.now()));
  }
  clock.compute(trace.rest, link.busy());
  time.seconds = clock.now();
  time.slowed = std::max(0.0, time.seconds - time.compute - time.waiting);

  LinkQueue alone(network, carrier);
  for (const Event& event : trace.events)
    if (event.what == Event::What::start)
      for (const Transfer& part : transfers_of(event.kind, event.bytes, ranks, carrier, network))
        time.transfer = std::max(time.transfer, alone.add(part, 0));
  return time;
}

}  // namespace d2l
