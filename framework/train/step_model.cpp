#include "framework/train/step_model.h"

#include <algorithm>
#include <map>

#include "framework/base/error.h"

namespace d2l {
namespace {

using Event = StepTimeline::Event;

double middle(std::vector<double> values) {
  const auto at = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// A rank that computes, and its link.
class Rank {
 public:
  explicit Rank(const StepConditions& conditions)
      : conditions_(conditions), window_(parts_under_way(conditions.carrier)) {}

  double now() const { return now_; }

  void start(uint64_t operation, const std::vector<Transfer>& parts) {
    for (const Transfer& part : parts)
      parts_.push_back(
          {.bytes = part.bytes, .latency = part.messages * conditions_.network.latency});
    ends_[operation] = parts_.size();
  }

  void compute(double work) {
    const double speed = conditions_.speed_in_transfer,
                 rate = conditions_.network.bandwidth * conditions_.bandwidth_in_compute;
    while (work > 0 && sent_ < parts_.size()) {
      const double idle = std::min(begin() - now_, work);
      now_ += idle;
      work -= idle;
      Part& part = parts_[sent_];
      const double for_part = part.bytes / rate, for_work = work / speed;
      const bool sends_all = for_part <= for_work;
      now_ += sends_all ? for_part : for_work;
      work = sends_all ? std::max(0.0, work - for_part * speed) : 0;
      if (sends_all)
        complete(now_);
      else
        part.bytes -= for_work * rate;
    }
    now_ += work;
  }

  void wait(uint64_t operation) {
    const size_t end = ends_[operation];
    while (sent_ < end) now_ = send_next();
    const double complete = end > 0 ? parts_[end - 1].complete : 0;
    // Later parts go on until then.
    while (sent_ < parts_.size() && begin() < complete) {
      Part& part = parts_[sent_];
      const double rate = conditions_.network.bandwidth, from = begin();
      if (from + part.bytes / rate > complete) {
        part.bytes -= (complete - from) * rate;
        break;
      }
      now_ = send_next();
    }
    now_ = std::max(now_, complete);
  }

 private:
  struct Part {
    double bytes = 0, latency = 0;
    double complete = 0;  // when, once it is sent
  };

  // When the next part may be sent.
  double begin() const {
    return sent_ < window_ ? now_ : std::max(now_, parts_[sent_ - window_].complete);
  }
  // The rank only waits. Returns when the bytes of the part have passed.
  double send_next() {
    const double end = begin() + parts_[sent_].bytes / conditions_.network.bandwidth;
    complete(end);
    return end;
  }
  void complete(double sent) {
    Part& part = parts_[sent_++];
    part.complete = sent + part.latency;
  }

  const StepConditions& conditions_;
  size_t window_;
  double now_ = 0;
  std::vector<Part> parts_;
  size_t sent_ = 0;                  // parts whose bytes have passed
  std::map<uint64_t, size_t> ends_;  // operation -> number of parts up to its last one
};

}  // namespace

double StepTimeline::compute() const {
  double seconds = rest;
  for (const Event& event : events) seconds += event.compute;
  return seconds;
}

int64_t StepTimeline::reduced_bytes() const {
  int64_t bytes = 0;
  for (const Event& event : events)
    if (event.what == Event::What::start && (event.kind == Collective::Kind::all_reduce ||
                                             event.kind == Collective::Kind::reduce_scatter))
      bytes += event.bytes;
  return bytes;
}

StepTimeline StepTimeline::scaled(double factor) const {
  StepTimeline timeline = *this;
  for (Event& event : timeline.events) event.compute *= factor;
  timeline.rest *= factor;
  return timeline;
}

StepTimeline median_of(const std::vector<StepTimeline>& timelines) {
  check(!timelines.empty(), "median of steps: expected at least 1, found none");
  StepTimeline result = timelines.front();
  const auto of_all = [&](auto&& time_of) {
    std::vector<double> times;
    times.reserve(timelines.size());
    for (const StepTimeline& timeline : timelines) times.push_back(time_of(timeline));
    return middle(times);
  };
  for (const StepTimeline& timeline : timelines)
    check(timeline.events.size() == result.events.size(), "median of steps: expected ",
          result.events.size(), " events, found ", timeline.events.size());
  for (size_t i = 0; i < result.events.size(); ++i)
    result.events[i].compute = of_all([i](const StepTimeline& t) { return t.events[i].compute; });
  result.rest = of_all([](const StepTimeline& timeline) { return timeline.rest; });
  // Medians of parts do not add up to the median of the whole.
  const double whole = of_all([](const StepTimeline& timeline) { return timeline.compute(); });
  const double sum = result.compute();
  return sum > 0 ? result.scaled(whole / sum) : result;
}

StepTime step_time(const StepTimeline& timeline, const StepConditions& conditions) {
  Rank rank(conditions);
  LinkQueue alone(conditions.network, conditions.carrier);
  StepTime time{.compute = timeline.compute()};
  for (const Event& event : timeline.events) {
    rank.compute(event.compute);
    if (event.what == Event::What::wait) {
      const double before = rank.now();
      rank.wait(event.operation);
      time.waiting += rank.now() - before;
      continue;
    }
    const std::vector<Transfer> parts = transfers_of(event.kind, event.bytes, conditions.ranks,
                                                     conditions.carrier, conditions.network);
    rank.start(event.operation, parts);
    for (const Transfer& part : parts) time.transfer = std::max(time.transfer, alone.add(part, 0));
  }
  rank.compute(timeline.rest);
  time.seconds = rank.now();
  time.slowed = std::max(0.0, time.seconds - time.compute - time.waiting);
  return time;
}

}  // namespace d2l
