#include "framework/comm/mpi_communicator.h"

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <exception>

#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/comm/mpi_check.h"

namespace d2l {

namespace {

using std::chrono::microseconds;

constexpr int64_t kBroadcastBytes = 64 << 20;  // MPI counts bytes with an int
// Every MPI allows tags up to 32,767; far fewer pieces are ever under way.
constexpr uint64_t kTags = 16384;

// A caller that waits polls without pause first, since most waits are short.
constexpr int kEagerPolls = 50;
constexpr double kPatientAfterSeconds = 500e-6;
constexpr microseconds kPatientPause{20};
// The thread's pauses: each wake-up takes a core from whoever computes on it.
constexpr microseconds kShortestPause{50}, kLongestPause{200};

// What a caller does between two polls that found nothing.
class Patience {
 public:
  void reset() { polls_ = 0; }
  void pause() {
    if (polls_++ == 0) idle_.restart();
    if (polls_ < kEagerPolls) return;
    // Other ranks or the data loader may need this core.
    if (idle_.seconds() < kPatientAfterSeconds)
      sched_yield();
    else
      std::this_thread::sleep_for(kPatientPause);
  }

 private:
  int polls_ = 0;
  Timer idle_;
};

// The time in which this rank waits for other ones.
class Waiting {
 public:
  explicit Waiting(PeerWatch* peers) : peers_(peers) {
    if (peers_ != nullptr) peers_->activity().begin_wait();
  }
  ~Waiting() {
    if (peers_ != nullptr) peers_->activity().end_wait();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  PeerWatch* peers_;
};

int rank_in(MPI_Comm group) {
  int rank = 0;
  mpi_check(MPI_Comm_rank(group, &rank), "MPI_Comm_rank");
  return rank;
}

int size_of_group(MPI_Comm group) {
  int size = 0;
  mpi_check(MPI_Comm_size(group, &size), "MPI_Comm_size");
  return size;
}

// Calls `use` with each part of at most `part_bytes`; data without elements are one part.
template <class Use>
void cut(View data, int64_t part_bytes, Use&& use) {
  const int64_t element_bytes = static_cast<int64_t>(size_of(data.dtype));
  const int64_t whole = data.elements(), most = part_bytes / element_bytes;
  int64_t begin = 0;
  do {
    const int64_t count = std::min(most, whole - begin);
    use(View{data.as<std::byte>() + begin * element_bytes, data.dtype, {count}});
    begin += count;
  } while (begin < whole);
}

}  // namespace

MpiCommunicator::MpiCommunicator(MPI_Comm group, Options options)
    : Communicator(rank_in(group), size_of_group(group)),
      options_(std::move(options)),
      exceptions_at_start_(std::uncaught_exceptions()),
      scratch_(PieceRules::kBytes) {
  mpi_check(MPI_Comm_dup(group, &comm_), "MPI_Comm_dup");
  mpi_check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  thread_ = std::thread([this] { run_jobs(); });
}

MpiCommunicator::~MpiCommunicator() {
  const bool unwinding = std::uncaught_exceptions() > exceptions_at_start_;
  const Work last = [this] {
    std::lock_guard lock(mutex_);
    return queue_.empty() || !error_.empty() ? 0 : queue_.back().work;
  }();
  if (!unwinding && last > 0) {
    try {
      do_wait(last);
    } catch (const Error&) {
      // give_up() has noted it in options_.broken, which nobody can overlook
    }
  }
  stop_thread();
  if (!queue_.empty() && options_.broken) *options_.broken = true;
  if (unwinding || !error_.empty()) return;
  MPI_Comm_free(&comm_);
}

std::vector<Range> MpiCommunicator::parts(int64_t elements) const {
  return parts_of(rank(), size(), elements);
}

void MpiCommunicator::stop_thread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void MpiCommunicator::do_start(Work work, const Collective& op) {
  bool thread_helps = false;
  if (options_.peers) options_.peers->activity().started(op);
  {
    std::lock_guard lock(mutex_);
    check_usable();
    push_jobs(work, op);
    queue_.back().last = true;
    if (options_.trace) queue_.back().started = Trace::now();
    pending_bytes_ += op.data.bytes();
    progress();  // sends the first messages now
    thread_helps = pending_bytes_ > options_.caller_bytes;
  }
  if (thread_helps) wake_.notify_one();
}

void MpiCommunicator::push_jobs(Work work, const Collective& op) {
  const auto push = [&](std::unique_ptr<MpiJob> job) { queue_.push_back({std::move(job), work}); };
  switch (op.kind) {
    case Collective::Kind::all_reduce:
    case Collective::Kind::reduce_scatter:
    case Collective::Kind::gather_parts:
      return cut(op.data, PieceRules::kBytes, [&](View piece) {
        const int tag = static_cast<int>(pieces_++ % kTags);
        const PieceContext context{comm_, rank(), size(), tag, &scratch_};
        push(std::make_unique<PieceJob>(op, piece, context));
      });
    case Collective::Kind::broadcast:
      return cut(op.data, kBroadcastBytes, [&](View part) {
        push(std::make_unique<CollectiveJob>(op, [this, part, root = op.root](auto* request) {
          const int bytes = static_cast<int>(part.bytes());
          mpi_check(MPI_Ibcast(part.data, bytes, MPI_BYTE, root, comm_, request), "MPI_Ibcast");
        }));
      });
    case Collective::Kind::all_gather:
      check(op.mine.bytes() <= INT_MAX, "all-gather: expects at most 2 GiB from each rank, found ",
            human_bytes(static_cast<uint64_t>(op.mine.bytes())));
      return push(std::make_unique<CollectiveJob>(op, [this, op](MPI_Request* request) {
        const int bytes = static_cast<int>(op.mine.bytes());
        mpi_check(MPI_Iallgather(op.mine.data, bytes, MPI_BYTE, op.data.data, bytes, MPI_BYTE,
                                 comm_, request),
                  "MPI_Iallgather");
      }));
  }
}

void MpiCommunicator::do_wait(Work work) {
  bool thread_helps = false;
  const Waiting waiting(options_.peers.get());
  const TraceSpan span(options_.trace.get(), "waiting for ranks");
  caller_waits_ = true;
  {
    std::lock_guard lock(mutex_);
    Patience patience;
    while (finished_ < work && error_.empty()) {
      if (progress()) {
        patience.reset();
      } else {
        give_up_if_a_peer_is_lost();
        patience.pause();
      }
    }
    caller_waits_ = false;
    if (finished_ < work) check_usable();
    if (queue_.empty()) pending_bytes_ = 0;
    thread_helps = pending_bytes_ > options_.caller_bytes;
  }
  if (thread_helps) wake_.notify_one();
}

void MpiCommunicator::abandon() noexcept {
  std::lock_guard lock(mutex_);
  if (queue_.empty() || !error_.empty()) return;
  give_up(queue_.front(), "interrupted by an exception");
}

// Advances the oldest jobs; answers whether any of them progressed. Every rank starts jobs in the
// same order and advances the oldest, so the oldest that any rank still has always progresses.
bool MpiCommunicator::progress() {
  bool moved = false;
  const size_t active = std::min(queue_.size(), PieceRules::kWindow);
  for (size_t i = 0; i < active; ++i) {
    Entry& entry = queue_[i];
    if (entry.finished) continue;
    try {
      const JobProgress progress = entry.job->advance();
      entry.finished = progress == JobProgress::finished;
      moved = moved || progress != JobProgress::none;
    } catch (const std::exception& error) {
      give_up(entry, error.what());
      return true;
    }
  }
  while (!queue_.empty() && queue_.front().finished) {
    if (queue_.front().last) finished_ = queue_.front().work;
    if (queue_.front().last && options_.trace) record(queue_.front());
    queue_.pop_front();
  }
  return moved;
}

void MpiCommunicator::record(const Entry& entry) {
  const Collective& op = entry.job->operation();
  options_.trace->add({.name = op.label != nullptr ? op.label : op.name(),
                       .lane = Trace::Lane::reductions,
                       .begin = entry.started,
                       .end = Trace::now(),
                       .bytes = op.data.bytes()});
}

// The jobs stay in the queue: MPI may still write into their buffers.
void MpiCommunicator::give_up(const Entry& entry, const std::string& reason) {
  error_ =
      concat(entry.job->operation().describe(), " on rank ", rank(), " of ", size(), ": ", reason);
  if (options_.broken) *options_.broken = true;
}

// MPI would wait for it without end.
void MpiCommunicator::give_up_if_a_peer_is_lost() {
  if (!options_.peers || !options_.peers->has_lost()) return;
  error_ = options_.peers->loss();
  lost_ = true;
  if (options_.broken) *options_.broken = true;
}

void MpiCommunicator::check_peers() {
  const std::lock_guard lock(mutex_);
  if (error_.empty()) give_up_if_a_peer_is_lost();
  check_usable();
}

void MpiCommunicator::check_usable() const {
  if (lost_) throw PeerLost(error_);
  check(error_.empty(), error_);
}

void MpiCommunicator::run_jobs() {
  prctl(PR_SET_TIMERSLACK, 1);  // by default a pause is lengthened by up to 50 microseconds
  microseconds pause = kShortestPause;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock,
               [&] { return stopping_ || (!caller_waits_ && !queue_.empty() && error_.empty()); });
    if (stopping_) return;
    if (progress()) {
      pause = kShortestPause;
      continue;
    }
    lock.unlock();
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
    lock.lock();
  }
}

}  // namespace d2l
