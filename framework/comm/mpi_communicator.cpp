#include "framework/comm/mpi_communicator.h"

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <exception>

#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/comm/arguments.h"
#include "framework/comm/mpi_check.h"

namespace d2l {

namespace {

using std::chrono::microseconds;

// Large enough that a message's cost is its bytes, small enough to stay in a core's cache.
constexpr int64_t kPieceBytes = 1 << 20;
// Pieces under way at once: while one is added, the next one travels.
constexpr size_t kWindow = 4;
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

}  // namespace

MpiCommunicator::MpiCommunicator(MPI_Comm group, Options options)
    : options_(std::move(options)),
      exceptions_at_start_(std::uncaught_exceptions()),
      scratch_(kPieceBytes) {
  mpi_check(MPI_Comm_dup(group, &comm_), "MPI_Comm_dup");
  mpi_check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  mpi_check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  thread_ = std::thread([this] { look_after_jobs(); });
}

MpiCommunicator::~MpiCommunicator() {
  const bool exception_flies = std::uncaught_exceptions() > exceptions_at_start_;
  const bool failed = [this] {
    std::lock_guard lock(mutex_);
    return !error_.empty();
  }();
  if (!exception_flies && !failed && started_ > 0) {
    try {
      wait(started_);
    } catch (const Error&) {
      // give_up() has noted it in options_.broken, which nobody can overlook
    }
  }
  stop_thread();
  if (!queue_.empty() && options_.broken) *options_.broken = true;
  if (exception_flies || !error_.empty()) return;
  MPI_Comm_free(&comm_);
}

void MpiCommunicator::stop_thread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Communicator::Work MpiCommunicator::start_all_reduce(View data) {
  check_all_reduce(data);
  const int64_t whole = data.elements();
  const int64_t most = kPieceBytes / static_cast<int64_t>(size_of(data.dtype));
  bool thread_helps = false;
  {
    std::lock_guard lock(mutex_);
    check_usable();
    ++started_;
    int64_t begin = 0;
    do {
      const int64_t count = std::min(most, whole - begin);
      const View piece{data.as<std::byte>() + begin * static_cast<int64_t>(size_of(data.dtype)),
                       data.dtype,
                       {count}};
      const int tag = static_cast<int>(pieces_++ % kTags);
      begin += count;
      push(std::make_unique<PieceJob>(PieceContext{comm_, rank_, size_, tag, &scratch_}, piece),
           begin == whole);
    } while (begin < whole);
    pending_bytes_ += data.bytes();
    progress();  // what goes out first goes out now
    thread_helps = pending_bytes_ > options_.caller_bytes;
  }
  if (thread_helps) wake_.notify_one();
  return started_;
}

void MpiCommunicator::wait(Work work) {
  bool thread_helps = false;
  caller_waits_ = true;
  {
    std::lock_guard lock(mutex_);
    Patience patience;
    while (finished_ < std::min(work, started_) && error_.empty()) {
      if (progress())
        patience.reset();
      else
        patience.pause();
    }
    caller_waits_ = false;
    check_work(work, started_);
    if (finished_ < work) check_usable();
    if (queue_.empty()) pending_bytes_ = 0;
    thread_helps = pending_bytes_ > options_.caller_bytes;
  }
  if (thread_helps) wake_.notify_one();
}

void MpiCommunicator::broadcast(View data, int root) {
  check_root(root, size_);
  constexpr int64_t kMost = 64 << 20;  // an int counts the bytes
  Work last = 0;
  for (int64_t begin = 0; begin < data.bytes(); begin += kMost) {
    const int count = static_cast<int>(std::min(kMost, data.bytes() - begin));
    void* part = data.as<std::byte>() + begin;
    last = run_collective("broadcast", [this, part, count, root](MPI_Request* request) {
      mpi_check(MPI_Ibcast(part, count, MPI_BYTE, root, comm_, request), "MPI_Ibcast");
    });
  }
  if (last > 0) wait(last);
}

void MpiCommunicator::all_gather(ConstView mine, View all) {
  check_all_gather(mine, all, size_);
  check(mine.bytes() <= INT_MAX, "all_gather: expects at most 2 GiB from each rank, found ",
        human_bytes(static_cast<uint64_t>(mine.bytes())));
  if (mine.bytes() == 0) return;
  const int count = static_cast<int>(mine.bytes());
  wait(run_collective("all_gather", [&, count](MPI_Request* request) {
    mpi_check(MPI_Iallgather(mine.data, count, MPI_BYTE, all.data, count, MPI_BYTE, comm_, request),
              "MPI_Iallgather");
  }));
}

void MpiCommunicator::barrier() {
  wait(run_collective("barrier", [this](MPI_Request* request) {
    mpi_check(MPI_Ibarrier(comm_, request), "MPI_Ibarrier");
  }));
}

void MpiCommunicator::abandon() noexcept {
  std::lock_guard lock(mutex_);
  if (queue_.empty() || !error_.empty()) return;
  give_up(queue_.front(), "left by an exception");
}

// The caller waits at once, so the thread need not be woken.
Communicator::Work MpiCommunicator::run_collective(std::string description,
                                                   std::function<void(MPI_Request*)> start) {
  std::lock_guard lock(mutex_);
  check_usable();
  ++started_;
  push(std::make_unique<CollectiveJob>(std::move(description), std::move(start)), true);
  return started_;
}

void MpiCommunicator::push(std::unique_ptr<MpiJob> job, bool last) {
  queue_.push_back({std::move(job), started_, last, false});
}

// One look at the oldest jobs; true when something moved. Every rank starts jobs in the same order
// and looks at the oldest, so the oldest that any rank still has always gets on.
bool MpiCommunicator::progress() {
  bool moved = false;
  const size_t active = std::min(queue_.size(), kWindow);
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
    queue_.pop_front();
  }
  return moved;
}

// The jobs stay where they are: MPI may still write into their buffers.
void MpiCommunicator::give_up(const Entry& entry, const std::string& reason) {
  error_ = concat(entry.job->describe(), " on rank ", rank_, " of ", size_, ": ", reason);
  if (options_.broken) *options_.broken = true;
}

void MpiCommunicator::check_usable() const { check(error_.empty(), error_); }

void MpiCommunicator::look_after_jobs() {
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
