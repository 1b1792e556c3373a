#include "framework/comm/peer_watch.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <mutex>

#include "framework/base/timer.h"
#include "framework/comm/tcp.h"
#include "tests/support/happens.h"

namespace d2l {
namespace {

using test::happens;
using testing::MatchesRegex;

// Rank 0 in this process, the others in processes of their own, on one host.
class PeerWatchTest : public testing::Test {
 protected:
  static constexpr int kRanks = 4;
  const std::vector<std::string> hosts_{"a", "a", "b", "b"};

  ~PeerWatchTest() override {
    for (const pid_t process : processes_) kill(process, SIGKILL);
    for (const pid_t process : processes_) waitpid(process, nullptr, 0);
  }
  // `rank_body`: what ranks 1 to 3 do, until they are killed.
  void start(const std::function<void(PeerWatch& watch, int rank)>& rank_body) {
    Listener listener = listen_on_free_port();
    const PeerWatch::Meeting meeting{
        .addresses = {"127.0.0.1"}, .port = listener.port, .token = 77};
    for (int rank = 1; rank < kRanks; ++rank) {
      const pid_t process = fork();
      if (process == 0) {
        {
          PeerWatch::Options options = options_;
          options.farewell = 1;
          PeerWatch watch(rank, hosts_, meeting, {}, options);
          if (watch.is_connected()) rank_body(watch, rank);
        }
        _exit(0);
      }
      processes_.push_back(process);
    }
    port_ = meeting.port;
    watch_ = std::make_unique<PeerWatch>(0, hosts_, meeting, std::move(listener), options_);
    usleep(300'000);
    ASSERT_FALSE(watch_->has_lost()) << watch_->loss();
  }
  static void wait_for_ever(PeerWatch&, int) {
    for (;;) pause();
  }

  // Trains, up to a step in which this rank loads data (`stalls`) or waits for the others.
  static void train(PeerWatch& watch, bool stalls) {
    Activity& activity = watch.activity();
    activity.restart(0);
    activity.end_step(0.01, 0, 0.01);
    activity.begin_step(2);
    activity.begin(stalls ? Doing::loading : Doing::computing);
    if (!stalls) activity.begin_wait();
  }

  const PeerWatch::Options options_{.patience = 1, .pulse = 0.1, .shortest_stall = 0.5};
  std::vector<pid_t> processes_;  // of ranks 1, 2, 3
  std::unique_ptr<PeerWatch> watch_;
  int port_ = 0;
};

TEST_F(PeerWatchTest, NoticesADeadRankAtOnce) {
  start(wait_for_ever);
  const Timer timer;
  kill(processes_[1], SIGKILL);
  ASSERT_TRUE(happens([&] { return watch_->has_lost(); }, 5));
  EXPECT_LT(timer.seconds(), 0.5);
  EXPECT_EQ(watch_->loss(), "rank 2 on b has died");
  EXPECT_TRUE(watch_->is_lost(2));
  EXPECT_FALSE(watch_->is_lost(1));
}

TEST_F(PeerWatchTest, NoticesASilentRank) {
  start(wait_for_ever);
  kill(processes_[0], SIGSTOP);
  ASSERT_TRUE(happens([&] { return watch_->has_lost(); }, 5));
  EXPECT_THAT(watch_->loss(), MatchesRegex("rank 1 on a has not answered for 1\\.[0-9] s"));
}

TEST_F(PeerWatchTest, ForgivesAShortStop) {
  start(wait_for_ever);
  for (int i = 0; i < 4; ++i) {
    kill(processes_[0], SIGSTOP);
    usleep(400'000);
    kill(processes_[0], SIGCONT);
    usleep(200'000);
  }
  EXPECT_FALSE(watch_->has_lost()) << watch_->loss();
}

// They tell it by their exit codes.
TEST_F(PeerWatchTest, TheOthersHearOfIt) {
  start([](PeerWatch& watch, int rank) {
    if (rank == 3) wait_for_ever(watch, rank);
    happens([&] { return watch.has_lost(); }, 5);
    _exit(watch.loss() == "rank 3 on b has died" && watch.is_lost(3) ? 42 : 1);
  });
  kill(processes_[2], SIGKILL);
  for (const int rank : {1, 2}) {
    int status = 0;
    waitpid(processes_[rank - 1], &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 42) << "rank " << rank;
  }
}

TEST_F(PeerWatchTest, TheOthersNoticeTheDeathOfRank0) {
  start(
      [](PeerWatch& watch, int) { _exit(happens([&] { return watch.is_lost(0); }, 5) ? 42 : 1); });
  // Ends its connections without a farewell, as its death would; but it may still tell the others
  // that it has lost one of them.
  for (int descriptor = 3; descriptor < 256; ++descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
      shutdown(descriptor, SHUT_RDWR);
  }
  for (const pid_t process : processes_) {
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 42);
  }
}

TEST_F(PeerWatchTest, WhoLeavesOrFailsIsNotLost) {
  start([](PeerWatch& watch, int rank) {
    if (rank == 1) return;  // in good order
    if (rank == 2) {
      usleep(600'000);
      watch.announce_failure();
      _exit(1);
    }
    wait_for_ever(watch, rank);
  });
  usleep(600'000);
  kill(processes_[2], SIGKILL);  // as MPI does after a failure
  usleep(1'500'000);
  EXPECT_FALSE(watch_->has_lost()) << watch_->loss();
}

// Rank 2 does not get on, and so is lost. It and the others hear of it; and who then does not end
// is ended.
TEST_F(PeerWatchTest, WarnsOfARankThatDoesNotGetOnAndThenLosesIt) {
  const std::string text =
      "rank 2 on b has been loading data for [0-9.]+ s in step 2; 3 ranks wait for it; last "
      "collective: none";
  start([&](PeerWatch& watch, int rank) {
    train(watch, rank == 2);
    happens([&] { return watch.has_lost(); }, 20);
    if (!testing::Matches(MatchesRegex(text))(watch.loss())) _exit(41);
    if (rank == 3) _exit(42);
    wait_for_ever(watch, rank);
  });
  std::mutex mutex;
  std::vector<std::string> warnings;
  watch_->set_tell([&](const Notices::Line& line) {
    const std::lock_guard lock(mutex);
    if (line.is_warning) warnings.push_back(line.text);
  });
  watch_->set_stall_timeout(1.5);
  train(*watch_, false);
  ASSERT_TRUE(happens([&] { return watch_->has_lost(); }, 20));
  watch_->set_tell(nullptr);
  EXPECT_THAT(watch_->loss(), MatchesRegex(text));
  EXPECT_TRUE(watch_->is_lost(2));
  EXPECT_FALSE(warnings.empty());  // one or two, after about 0.5 and 1.2 s
  EXPECT_THAT(warnings, testing::Each(MatchesRegex(text)));
  for (const int rank : {3, 1, 2}) {
    int status = 0;
    waitpid(processes_[rank - 1], &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), rank == 3 ? 42 : 1) << "rank " << rank;
  }
}

TEST_F(PeerWatchTest, IgnoresStrangers) {
  start(wait_for_ever);
  const Socket stranger = connect_to({"127.0.0.1"}, port_, 1);
  ASSERT_TRUE(stranger.is_open());
  const char text[] = "GET / HTTP/1.1\r\nHost: d2l\r\n\r\n";
  ASSERT_GT(send(stranger.get(), text, sizeof text, MSG_NOSIGNAL), 0);
  const auto is_closed = [&] {
    char byte = 0;
    return recv(stranger.get(), &byte, 1, 0) == 0 || (errno != EAGAIN && errno != EINTR);
  };
  EXPECT_TRUE(happens(is_closed, 5));
  EXPECT_FALSE(watch_->has_lost());
}

TEST(Tcp, ConnectsOnlyWhereSomebodyListens) {
  const Listener listener = listen_on_free_port();
  EXPECT_TRUE(connect_to({"127.0.0.1"}, listener.port, 1).is_open());
  int port = 0;
  { port = listen_on_free_port().port; }
  EXPECT_FALSE(connect_to({"127.0.0.1"}, port, 1).is_open());
  EXPECT_FALSE(connect_to({"no address"}, port, 1).is_open());
  EXPECT_FALSE(connect_to({}, port, 1).is_open());
}

// 192.0.2.1 is reserved: nobody answers there, at best after a while.
TEST(Tcp, DoesNotWaitForSilentAddresses) {
  const Listener listener = listen_on_free_port();
  const Timer timer;
  EXPECT_TRUE(connect_to({"192.0.2.1", "127.0.0.1"}, listener.port, 30).is_open());
  EXPECT_LT(timer.seconds(), 10);
}

}  // namespace
}  // namespace d2l
