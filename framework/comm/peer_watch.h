#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "framework/base/error.h"
#include "framework/comm/activity.h"
#include "framework/comm/notices.h"
#include "framework/comm/stall_watch.h"
#include "framework/comm/tcp.h"

namespace d2l {

class RankGroup;

// Another rank has died, is silent or does not get on, so that no operation with it will finish.
struct PeerLost : Error {
  using Error::Error;
};

// Notices within milliseconds when another rank's process has died, and within seconds when it has
// stopped or cannot be reached. Each rank has a TCP connection with rank 0, on which both sides
// send a sign of life four times a second; rank 0 tells the others whom it has lost. A thread of
// its own does this, without MPI: MPI waits for lost ranks without end. The signs of life say what
// a rank is doing, so that rank 0 also finds ranks that live and do not get on (StallWatch).
class PeerWatch {
 public:
  struct Options {
    double patience = 4;  // seconds without a sign of life
    double pulse = 0.25;  // seconds between two of them
    // Seconds after a loss in which this process should have ended. Then the watch ends it, with
    // exit code 1: the threads that should do so may hang in the file system.
    double farewell = 600;
    double shortest_stall = StallWatch::kSeconds;  // seconds, besides steps
  };
  // How the others can reach rank 0, and which connections belong to this job.
  struct Meeting {
    std::vector<std::string> addresses;
    int port = 0;
    uint64_t token = 0;
  };

  // Watches the ranks of a job. Every rank makes this call.
  static std::shared_ptr<PeerWatch> start(const RankGroup& ranks);

  // `hosts`: of all ranks. `listener`: on rank 0. On the other ranks, connects to rank 0.
  PeerWatch(int rank, const std::vector<std::string>& hosts, const Meeting& meeting,
            Listener listener, Options options);
  PeerWatch(int rank, const std::vector<std::string>& hosts, const Meeting& meeting,
            Listener listener)
      : PeerWatch(rank, hosts, meeting, std::move(listener), Options{}) {}
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

  void set_patience(double seconds) { patience_ = seconds; }
  // After how long a rank that does not get on is lost, see StallWatch; 0: never.
  void set_stall_timeout(double seconds) { stall_timeout_ = seconds; }

  // What this rank is doing. Whoever trains says it.
  Activity& activity() { return activity_; }
  const std::vector<std::string>& hosts() const { return hosts_; }  // of all ranks
  // On rank 0: what all ranks are doing, as last heard.
  std::vector<RankProgress> progress() const;
  // On rank 0: gets warnings about ranks that do not get on, in a thread of its own.
  void set_tell(Notices::Tell tell);

  // Whether this rank has its connections. If not, nothing is noticed here.
  bool is_connected() const { return connected_; }

  bool has_lost() const { return has_lost_; }
  // "rank 3 on node7 has died"; "" as long as no rank is lost.
  std::string loss() const;
  bool is_lost(int rank) const;

  // This rank ends the job because of an error: it is not lost, nor are the ranks that die then.
  void announce_failure() noexcept;
  // Whether a rank has announced that.
  bool knows_of_failure() const;

 private:
  enum class Kind : uint32_t { hello, pulse, bye, failure, loss };
  struct Message {
    Kind kind = Kind::pulse;
    int32_t rank = 0;
    uint64_t token = 0;               // hello: the job's; loss: how (Loss)
    int32_t waiting = 0, others = 0;  // loss of a rank that does not get on, see Stall
    RankProgress progress = {};       // pulse, and such a loss
  };
  enum class Loss : uint64_t { died, silent, stalled };
  struct Connection {
    Socket socket;
    int rank = -1;  // of the other side; -1: it has not said hello yet
    double heard = 0;
    std::array<char, sizeof(Message)> partial{};
    size_t received = 0;
    bool left = false;  // in good order
  };

  void run();
  void wait_for_news();
  void accept_all();
  void read(Connection& connection);
  void take(Connection& connection, const Message& message);
  void judge(double now);
  void judge_stalls(double now);
  void end_if_overdue(double now);
  std::string loss_text(const Message& loss, double silence) const;
  void lose(const Message& loss, double silence);
  void send_to_all(const Message& message) noexcept;

  const int rank_;
  const std::vector<std::string> hosts_;
  const uint64_t token_;
  const double pulse_, farewell_;
  std::atomic<double> patience_, stall_timeout_ = 0;
  Activity activity_;
  Listener listener_;
  Socket stop_;  // an eventfd
  bool connected_ = false;
  double last_pulse_ = 0;
  double lost_at_ = 0;  // used by the thread

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string loss_;
  std::set<int> lost_;
  bool ends_ = false;  // a rank has announced a failure
  StallWatch stalls_;  // used on rank 0

  std::atomic<bool> has_lost_ = false, stopping_ = false;
  std::unique_ptr<Notices> notices_;  // on rank 0
  std::thread thread_;
};

}  // namespace d2l
