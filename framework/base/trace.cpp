#include "framework/base/trace.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <utility>

#include "framework/base/error.h"

namespace d2l {
namespace {

constexpr std::array<Trace::Lane, 4> kLanes = {Trace::Lane::training, Trace::Lane::reductions,
                                               Trace::Lane::saving, Trace::Lane::loading};

const char* name_of(Trace::Lane lane) {
  switch (lane) {
    case Trace::Lane::training:
      return "training";
    case Trace::Lane::reductions:
      return "sums over ranks";
    case Trace::Lane::saving:
      return "saving";
    case Trace::Lane::loading:
      return "loading";
  }
  return "";
}

int thread_of(Trace::Lane lane, size_t row) {
  constexpr size_t kMostRows = 1000;  // of a lane
  return static_cast<int>(static_cast<size_t>(lane) * kMostRows + row + 1);
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
    if (code < 0x20)
      result += escaped;
    else
      result += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  }
  return result + "\"";
}

std::string metadata(const char* kind, int process, int thread, const std::string& name) {
  return concat("{\"ph\":\"M\",\"name\":\"", kind, "\",\"pid\":", process, ",\"tid\":", thread,
                ",\"args\":{\"name\":", quoted(name), "}},\n");
}

std::string line_of(const Trace::Event& event, const TraceClock& clock, int process, int thread) {
  const double begin = clock.microseconds(event.begin);
  char times[96];
  std::snprintf(times, sizeof times, "\"ts\":%.3f,\"dur\":%.3f", begin,
                clock.microseconds(event.end) - begin);
  std::string args;
  if (event.step >= 0) args += concat("\"step\":", event.step);
  if (event.bytes >= 0) args += concat(args.empty() ? "" : ",", "\"bytes\":", event.bytes);
  return concat("{\"ph\":\"X\",\"name\":", quoted(event.name), ",\"pid\":", process,
                ",\"tid\":", thread, ",", static_cast<const char*>(times), ",\"args\":{", args,
                "}},\n");
}

// Distributes events over rows, so that those of a row follow each other or nest.
class Rows {
 public:
  // Events must come in the order of their begins; of equal ones, the longest first.
  size_t row_for(const Trace::Event& event) {
    for (size_t row = 0;; ++row) {
      if (row == open_.size()) open_.emplace_back();
      std::vector<int64_t>& ends = open_[row];
      while (!ends.empty() && ends.back() <= event.begin) ends.pop_back();
      if (!ends.empty() && ends.back() < event.end) continue;
      ends.push_back(event.end);
      return row;
    }
  }
  size_t count() const { return open_.size(); }

 private:
  std::vector<std::vector<int64_t>> open_;  // the ends of the events that have not ended
};

}  // namespace

int64_t Trace::now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

void Trace::add(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (events_.size() < most_)
    events_.push_back(event);
  else
    is_full_ = true;
}

std::vector<Trace::Event> Trace::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

double TraceClock::microseconds(int64_t time) const {
  const auto span = static_cast<double>(end - begin),
             of_timeline = static_cast<double>(timeline_end - timeline_begin);
  const double pace = span > 0 && of_timeline > 0 ? of_timeline / span : 1;
  return 1e-3 * (static_cast<double>(timeline_begin) + pace * static_cast<double>(time - begin));
}

std::string chrome_events(const std::vector<Trace::Event>& events, const TraceClock& clock,
                          int number, const std::string& name) {
  std::string text = metadata("process_name", number, 1, name);
  std::vector<Trace::Event> sorted = events;
  std::sort(sorted.begin(), sorted.end(), [](const Trace::Event& a, const Trace::Event& b) {
    return std::pair(a.begin, -a.end) < std::pair(b.begin, -b.end);
  });
  std::map<Trace::Lane, Rows> rows;
  for (const Trace::Event& event : sorted) {
    const size_t row = rows[event.lane].row_for(event);
    text += line_of(event, clock, number, thread_of(event.lane, row));
  }
  for (const Trace::Lane lane : kLanes)
    for (size_t row = 0; row < rows[lane].count(); ++row) {
      const int thread = thread_of(lane, row);
      text += metadata("thread_name", number, thread, name_of(lane));
      text += concat("{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":", number,
                     ",\"tid\":", thread, ",\"args\":{\"sort_index\":", thread, "}},\n");
    }
  return text;
}

}  // namespace d2l
