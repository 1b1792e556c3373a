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
#include "framework/comm/tcp.h"

namespace d2l {

class RankGroup;

// Another rank has died or is silent, so that no operation with it will ever finish.
struct PeerLost : Error {
  using Error::Error;
};

// Notices within milliseconds when another rank's process has died, and within seconds when it has
// stopped or cannot be reached. Each rank has a TCP connection with rank 0, on which both sides
// send a sign of life four times a second; rank 0 tells the others whom it has lost. A thread of
// its own does this, without MPI: MPI waits for lost ranks without end.
class PeerWatch {
 public:
  struct Options {
    double patience = 4;  // seconds without a sign of life
    double pulse = 0.25;  // seconds between two of them
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

  // Whether this rank has its connections. If not, nothing is noticed here.
  bool is_connected() const { return connected_; }

  bool has_lost() const { return has_lost_; }
  // "rank 3 on node7 has died"; "" as long as no rank is lost.
  std::string loss() const;
  bool is_lost(int rank) const;

  // This rank ends the job because of an error: it is not lost, nor are the ranks that die then.
  void announce_failure() noexcept;

 private:
  enum class Kind : uint32_t { hello, pulse, bye, failure, loss };
  struct Message {
    Kind kind = Kind::pulse;
    int32_t rank = 0;
    uint64_t token = 0;  // hello: the job's; loss: how (Loss)
  };
  enum class Loss : uint64_t { died, silent };
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
  void lose(int rank, Loss how, double seconds);
  void send_to_all(const Message& message) noexcept;

  const int rank_;
  const std::vector<std::string> hosts_;
  const uint64_t token_;
  const double pulse_;
  std::atomic<double> patience_;
  Listener listener_;
  Socket stop_;  // an eventfd
  bool connected_ = false;
  double last_pulse_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string loss_;
  std::set<int> lost_;
  bool ends_ = false;  // a rank has announced a failure

  std::atomic<bool> has_lost_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace d2l
