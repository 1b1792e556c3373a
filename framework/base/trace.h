#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace d2l {

// Records what one process does and when, for a timeline. Thread-safe. Memory is bounded: after
// `most` events it records nothing more.
class Trace {
 public:
  static constexpr size_t kMostEvents = 200'000;

  // Activities that may overlap have lanes of their own.
  enum class Lane : uint32_t { training, reductions, saving, loading };

  struct Event {
    const char* name = "";  // a literal: it is kept
    Lane lane = Lane::training;
    int64_t begin = 0, end = 0;     // nanoseconds, as now() returns them
    int64_t step = -1, bytes = -1;  // below 0: it has none
  };

  explicit Trace(size_t most = kMostEvents) : most_(most) { events_.reserve(most); }

  static int64_t now();
  void add(const Event& event);

  // Whether events were left out, and since when.
  bool is_full() const { return is_full_; }
  size_t most() const { return most_; }
  // So far, in the order of their ends.
  std::vector<Event> events() const;

 private:
  size_t most_;
  std::atomic<bool> is_full_ = false;
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

// Records the time in which it exists. Nothing happens without a trace.
class TraceSpan {
 public:
  TraceSpan(Trace* trace, const char* name, Trace::Lane lane = Trace::Lane::training,
            int64_t step = -1)
      : trace_(trace) {
    if (trace_ != nullptr) event_ = {name, lane, Trace::now(), 0, step};
  }
  ~TraceSpan() { end(); }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

  // Ends before the object does.
  void end() {
    if (trace_ == nullptr) return;
    event_.end = Trace::now();
    trace_->add(event_);
    trace_ = nullptr;
  }

 private:
  Trace* trace_;
  Trace::Event event_;
};

// How a process's times become those of the timeline.
struct TraceClock {
  // now() of this process at two moments, and the timeline's nanoseconds then. Equal moments: one.
  int64_t begin = 0, end = 0;
  int64_t timeline_begin = 0, timeline_end = 0;

  double microseconds(int64_t time) const;
};

// The events of a process as lines of a Chrome trace (JSON, "traceEvents"), a comma after each:
// complete events "X", names of the process and its lanes. Events that overlap without nesting get
// lanes of the same name. `number`: from 1 on, since 0 is Linux itself for Perfetto.
std::string chrome_events(const std::vector<Trace::Event>& events, const TraceClock& clock,
                          int number, const std::string& name);

}  // namespace d2l
