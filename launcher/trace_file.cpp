#include "launcher/trace_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/ranks.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBegin = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
constexpr std::chrono::milliseconds kForOthers{300};
constexpr std::string_view kBetween = ",\n";  // events; the last one is followed by it too

std::string_view without_end(std::string_view events) {
  events.remove_suffix(std::min(events.size(), kBetween.size()));
  return events;
}

// Throws Error. Does not touch a file that is there.
void check_is_writable(const fs::path& path) {
  check(!fs::exists(path) || fs::is_regular_file(path), "--trace expects a file, found ",
        path.string(), ", which is none");
  const fs::path probe = unused_name_beside(path);
  write_text_file(probe, "");
  fs::remove(probe);
}

}  // namespace

// Who leaves a barrier knows that all have entered it, so the moments at which the ranks leave it
// differ by no more than the longest time that one of them was in it.
TraceFile::Moment TraceFile::common_moment(Communicator& comm) {
  constexpr size_t kRounds = 16;
  std::array<int64_t, kRounds> left{}, spent{};
  for (size_t i = 0; i < kRounds; ++i) {
    const int64_t entered = Trace::now();
    comm.barrier();
    left[i] = Trace::now();
    spent[i] = left[i] - entered;
  }
  const auto ranks = static_cast<size_t>(comm.size());
  std::vector<int64_t> of_all(ranks * kRounds);
  comm.all_gather({spent.data(), DType::i64, {int64_t{kRounds}}},
                  {of_all.data(), DType::i64, {static_cast<int64_t>(of_all.size())}});
  Moment best;
  for (size_t i = 0; i < kRounds; ++i) {
    int64_t longest = 0;
    for (size_t rank = 0; rank < ranks; ++rank)
      longest = std::max(longest, of_all[rank * kRounds + i]);
    if (i == 0 || longest < best.differ) best = {.time = left[i], .differ = longest};
  }
  return best;
}

TraceFile::TraceFile(fs::path path, const RankGroup& group, Communicator& comm, Log& log)
    : path_(std::move(path)),
      group_(group),
      comm_(comm),
      log_(log),
      trace_(*group.trace()),
      rank_(group.first_rank() + group.rank()) {
  run_on_all_ranks(group, [&] {
    if (group.rank() == 0) check_is_writable(path_);
  });
  begin_ = common_moment(comm_);
  clock_ = {.begin = begin_.time, .end = begin_.time, .timeline_begin = 0, .timeline_end = 0};
}

std::string TraceFile::own_events() const {
  std::vector<Trace::Event> events = trace_.events();
  std::erase_if(events, [&](const Trace::Event& event) { return event.begin < clock_.begin; });
  return chrome_events(events, clock_, rank_ + 1, concat("rank ", rank_, " on ", group_.host()));
}

std::string TraceFile::end_of_file() const {
  const double differ = 1e-3 * static_cast<double>(begin_.differ);
  return concat("\n],\"otherData\":{\"clocks differ by at most\":\"", fixed(differ, 1),
                " us\"}}\n");
}

// Clocks of two hosts run at different paces, so they are compared again. The other ranks send
// their events in any case; if rank 0 cannot write them, it throws them away.
void TraceFile::write() {
  is_written_ = true;
  const Moment end = common_moment(comm_);
  int64_t length = end.time - begin_.time;
  clock_.end = end.time;
  comm_.broadcast({&length, DType::i64, {1}}, 0);
  clock_.timeline_end = length;
  int64_t full = trace_.is_full() ? 1 : 0;
  comm_.all_reduce({&full, DType::i64, {1}});
  const std::string mine = own_events();
  bool is_received = false;
  try {
    if (group_.rank() != 0) return group_.collect(mine, [](const std::string&) {});
    replace_file(path_, [&](const fs::path& temporary) {
      std::ofstream stream(temporary, std::ios::binary);
      stream << kBegin;
      is_received = true;
      std::string_view between;
      group_.collect(mine, [&](const std::string& events) {
        stream << std::exchange(between, kBetween) << without_end(events);
      });
      stream << end_of_file() << std::flush;
      check(stream.good(), "cannot write ", temporary.string());
    });
    log_.info("trace ", path_.string(), ", the ranks' clocks differ by at most ",
              fixed(1e-3 * static_cast<double>(begin_.differ), 1), " us");
  } catch (const Error& error) {
    log_.warn("the trace is lost: ", error.what());
    if (!is_received) group_.collect(mine, [](const std::string&) {});
  }
  if (full > 0)
    log_.warn("the trace of ", full, full == 1 ? " rank" : " ranks",
              " ends before the run: it has ", with_thousands(static_cast<int64_t>(trace_.most())),
              " events of each rank at most");
}

TraceFile::~TraceFile() {
  if (is_written_) return;
  const fs::path own = path_.parent_path() /
                       concat(path_.stem().string(), ".rank", rank_, path_.extension().string());
  try {
    write_text_file(own, kBegin + std::string(without_end(own_events())) + end_of_file());
  } catch (const std::exception& error) {
    log_.warn("the trace of this rank is lost: ", error.what());
  }
  // The rank that reports the error first ends the job: the others need time for their files.
  if (group_.size() > 1) std::this_thread::sleep_for(kForOthers);
}

}  // namespace d2l::launcher
