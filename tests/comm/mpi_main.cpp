#include "tests/comm/mpi_main.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

#include "framework/base/error.h"

namespace d2l::test {

namespace {

constexpr std::chrono::seconds kTestLimit{30};

struct Group {
  MpiSession* session = nullptr;
  Communicator* comm = nullptr;
};

Group& group() {
  static Group the_group;
  return the_group;
}

// Prints failures with the rank.
class FailurePrinter : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_,
                 result.file_name() ? result.file_name() : "?", result.line_number(),
                 result.message());
  }

 private:
  int rank_;
};

// Ends the job if a test does not end.
class Watchdog : public testing::EmptyTestEventListener {
 public:
  explicit Watchdog(MpiSession& session) : session_(session), thread_([this] { watch(); }) {}
  ~Watchdog() override {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void OnTestStart(const testing::TestInfo& test) override {
    set(std::string(test.test_suite_name()) + "." + test.name());
  }
  void OnTestEnd(const testing::TestInfo&) override { set(""); }

 private:
  void set(std::string test) {
    {
      std::lock_guard lock(mutex_);
      test_ = std::move(test);
      ++changes_;
    }
    changed_.notify_one();
  }
  void watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
      const int seen = changes_;
      auto news = [&] { return over_ || changes_ != seen; };
      if (test_.empty()) {
        changed_.wait(lock, news);
      } else if (!changed_.wait_for(lock, kTestLimit, news)) {
        std::fprintf(stderr, "[rank %d] %s takes longer than %d s: the job is aborted\n",
                     session_.rank(), test_.c_str(), static_cast<int>(kTestLimit.count()));
        session_.abort(3);
      }
    }
  }

  MpiSession& session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string test_;
  int changes_ = 0;
  bool over_ = false;
  std::thread thread_;
};

// Runs on all ranks; returns whether any test failed on any of them.
bool run_everywhere(MpiSession& session) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session.rank() != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FailurePrinter(session.rank()));
  auto* watchdog = new Watchdog(session);
  listeners.Append(watchdog);

  auto comm = session.communicator();
  group() = {&session, comm.get()};
  int64_t failed = RUN_ALL_TESTS();
  delete listeners.Release(watchdog);
  comm->all_reduce({&failed, DType::i64, {1}});
  if (failed && session.rank() == 0)
    std::fprintf(stderr, "%d of %d ranks had failures\n", static_cast<int>(failed), session.size());
  return failed != 0;
}

}  // namespace

MpiSession& session() { return *group().session; }

Communicator& comm() { return *group().comm; }

}  // namespace d2l::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  d2l::MpiSession session(&argc, &argv);
  try {
    return d2l::test::run_everywhere(session) ? 1 : 0;
  } catch (const d2l::Error& error) {
    std::fprintf(stderr, "[rank %d] error: %s\n", session.rank(), error.what());
    session.abort(1);
  }
}
