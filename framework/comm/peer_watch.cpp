#include "framework/comm/peer_watch.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "framework/base/checksum.h"
#include "framework/base/random_id.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/comm/rank_group.h"

namespace d2l {
namespace {

constexpr double kConnectSeconds = 2;

// Handlers of signals run in the other threads.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

std::string text_of(const PeerWatch::Meeting& meeting) {
  return concat(meeting.port, "\n", meeting.token, "\n", join(meeting.addresses, "\n"));
}

PeerWatch::Meeting parse_meeting(const std::vector<std::string>& lines) {
  return {.addresses = {lines.begin() + 2, lines.end()},
          .port = std::stoi(lines.at(0)),
          .token = std::stoull(lines.at(1))};
}

// False if the other side is gone or does not read any more.
bool send(const Socket& socket, const void* data, size_t bytes) {
  return ::send(socket.get(), data, bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
}

}  // namespace

std::shared_ptr<PeerWatch> PeerWatch::start(const RankGroup& ranks) {
  Listener listener;
  Meeting meeting;
  if (ranks.rank() == 0) {
    const std::string id = random_id();
    meeting = {.addresses = own_addresses(), .token = checksum(id.data(), id.size())};
    try {
      listener = listen_on_free_port();
    } catch (const Error&) {
      // Then no rank is connected, which the others report.
    }
    meeting.port = listener.port;
  }
  const std::vector<std::string> hosts = ranks.gather(ranks.host());
  meeting = parse_meeting(split_lines(ranks.gather(text_of(meeting)).front()));
  return std::make_shared<PeerWatch>(ranks.rank(), hosts, meeting, std::move(listener));
}

PeerWatch::PeerWatch(int rank, const std::vector<std::string>& hosts, const Meeting& meeting,
                     Listener listener, Options options)
    : rank_(rank),
      hosts_(hosts),
      token_(meeting.token),
      pulse_(options.pulse),
      farewell_(options.farewell),
      patience_(options.patience),
      listener_(std::move(listener)),
      stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      connected_(rank == 0),
      stalls_(hosts, options.shortest_stall) {
  check(stop_.is_open(), "eventfd: ", std::strerror(errno));
  std::vector<std::string> addresses = meeting.addresses;
  if (hosts[static_cast<size_t>(rank)] == hosts[0])
    addresses.insert(addresses.begin(), {"127.0.0.1", "::1"});
  if (rank > 0) {
    const Message hello{.kind = Kind::hello, .rank = rank, .token = token_};
    Socket socket = connect_to(addresses, meeting.port, kConnectSeconds);
    connected_ = socket.is_open() && send(socket, &hello, sizeof hello);
    if (connected_) {
      connections_.push_back(std::make_unique<Connection>());
      connections_.back()->socket = std::move(socket);
      connections_.back()->rank = 0;
      connections_.back()->heard = steady_seconds();
    }
  }
  const BlockedSignals for_the_threads;
  if (rank == 0) notices_ = std::make_unique<Notices>();
  thread_ = std::thread([this] { run(); });
}

PeerWatch::~PeerWatch() {
  send_to_all({.kind = Kind::bye, .rank = rank_});
  stopping_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

std::string PeerWatch::loss() const {
  const std::lock_guard lock(mutex_);
  return loss_;
}

std::vector<RankProgress> PeerWatch::progress() const {
  const std::lock_guard lock(mutex_);
  return stalls_.ranks();
}

void PeerWatch::set_tell(Notices::Tell tell) {
  if (notices_) notices_->set_tell(std::move(tell));
}

bool PeerWatch::is_lost(int rank) const {
  const std::lock_guard lock(mutex_);
  return lost_.contains(rank);
}

void PeerWatch::announce_failure() noexcept {
  send_to_all({.kind = Kind::failure, .rank = rank_});
  const std::lock_guard lock(mutex_);
  ends_ = true;
}

bool PeerWatch::knows_of_failure() const {
  const std::lock_guard lock(mutex_);
  return ends_;
}

void PeerWatch::send_to_all(const Message& message) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& connection : connections_)
    if (connection->rank >= 0 && connection->socket.is_open())
      send(connection->socket, &message, sizeof message);
}

void PeerWatch::run() {
  while (!stopping_) {
    wait_for_news();
    const double time = steady_seconds();
    const bool pulses = time - last_pulse_ >= pulse_;
    const RankProgress progress = activity_.read();
    if (pulses) {
      send_to_all({.kind = Kind::pulse, .rank = rank_, .progress = progress});
      last_pulse_ = time;
    }
    end_if_overdue(time);
    const std::lock_guard lock(mutex_);
    if (rank_ == 0) accept_all();
    for (const auto& connection : connections_) read(*connection);
    judge(time);
    if (rank_ == 0 && pulses) {
      stalls_.note(0, progress);
      judge_stalls(time);
    }
    std::erase_if(connections_,
                  [](const auto& connection) { return !connection->socket.is_open(); });
  }
}

void PeerWatch::wait_for_news() {
  std::vector<pollfd> wanted = {{stop_.get(), POLLIN, 0}};
  if (rank_ == 0) wanted.push_back({listener_.socket.get(), POLLIN, 0});
  constexpr double kShortest = 0.01;
  double wait = pulse_;
  const double time = steady_seconds();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_) {
      wanted.push_back({connection->socket.get(), POLLIN, 0});
      wait = std::min(wait, connection->heard + patience_ - time);
    }
  }
  ::poll(wanted.data(), wanted.size(), static_cast<int>(std::max(wait, kShortest) * 1e3));
}

void PeerWatch::accept_all() {
  for (Socket socket = accept_from(listener_.socket); socket.is_open();
       socket = accept_from(listener_.socket)) {
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->socket = std::move(socket);
    connections_.back()->heard = steady_seconds();
  }
}

// Everything that has arrived.
void PeerWatch::read(Connection& connection) {
  while (connection.socket.is_open()) {
    const ssize_t count =
        ::recv(connection.socket.get(), connection.partial.data() + connection.received,
               sizeof(Message) - connection.received, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      connection.socket.close();
      if (connection.rank >= 0 && !connection.left) lose({.rank = connection.rank}, 0);
      return;
    }
    connection.received += static_cast<size_t>(count);
    if (connection.received < sizeof(Message)) continue;
    Message message;
    std::memcpy(&message, connection.partial.data(), sizeof message);
    connection.received = 0;
    connection.heard = steady_seconds();
    take(connection, message);
  }
}

void PeerWatch::take(Connection& connection, const Message& message) {
  const bool is_known = connection.rank >= 0;
  const bool is_rank = message.rank >= 0 && message.rank < static_cast<int>(hosts_.size());
  if (!is_known) {  // a stranger may have found the port
    if (message.kind == Kind::hello && message.token == token_ && is_rank)
      connection.rank = message.rank;
    else
      connection.socket.close();
    return;
  }
  if (message.kind == Kind::bye) connection.left = true;
  if (message.kind == Kind::pulse && rank_ == 0) stalls_.note(connection.rank, message.progress);
  if (message.kind == Kind::loss && is_rank) lose(message, patience_);
  if (message.kind == Kind::failure) {
    ends_ = true;
    if (rank_ == 0)
      for (const auto& other : connections_)
        if (other.get() != &connection && other->rank >= 0)
          send(other->socket, &message, sizeof message);
  }
}

// After everything that has arrived was read: this process may have been stopped itself.
void PeerWatch::judge(double time) {
  for (const auto& connection : connections_) {
    const double silence = time - connection->heard;
    if (!connection->socket.is_open() || connection->left || silence < patience_) continue;
    if (connection->rank >= 0)
      lose({.rank = connection->rank, .token = static_cast<uint64_t>(Loss::silent)}, silence);
    else
      connection->socket.close();
  }
}

// Not after a loss, which ends the job.
void PeerWatch::judge_stalls(double time) {
  if (ends_ || has_lost_) return;
  StallWatch::News news = stalls_.judge(time, stall_timeout_);
  for (std::string& text : news.notices) notices_->add({.text = std::move(text)});
  for (std::string& text : news.warnings)
    notices_->add({.text = std::move(text), .is_warning = true});
  if (!news.lost) return;
  lose({.rank = news.lost->rank,
        .token = static_cast<uint64_t>(Loss::stalled),
        .waiting = news.lost->waiting,
        .others = news.lost->others,
        .progress = news.lost->progress},
       0);
}

void PeerWatch::end_if_overdue(double time) {
  if (!has_lost_) return;
  if (lost_at_ == 0) lost_at_ = time;
  if (time - lost_at_ < farewell_) return;
  std::fprintf(stderr, "error: rank %d: %s; and this rank has not ended within %.0f s\n", rank_,
               loss().c_str(), farewell_);
  std::_Exit(1);
}

std::string PeerWatch::loss_text(const Message& loss, double silence) const {
  const std::string& host = hosts_[static_cast<size_t>(loss.rank)];
  const std::string rank = concat("rank ", loss.rank, " on ", host);
  switch (static_cast<Loss>(loss.token)) {
    case Loss::died:
      break;
    case Loss::silent:
      return concat(rank, " has not answered for ", fixed(silence, 1), " s");
    case Loss::stalled:
      return Stall{.rank = loss.rank,
                   .progress = loss.progress,
                   .waiting = loss.waiting,
                   .others = loss.others}
          .text(host);
  }
  return rank + " has died";
}

void PeerWatch::lose(const Message& loss, double silence) {
  if (ends_ || !lost_.insert(loss.rank).second) return;
  if (loss_.empty()) loss_ = loss_text(loss, silence);
  has_lost_ = true;
  if (rank_ != 0) return;
  Message message = loss;
  message.kind = Kind::loss;
  for (const auto& connection : connections_) {
    // Who does not get on hears it too: it may go on.
    const bool hears =
        connection->rank != loss.rank || loss.token == static_cast<uint64_t>(Loss::stalled);
    if (connection->rank >= 0 && hears && connection->socket.is_open())
      send(connection->socket, &message, sizeof message);
  }
}

}  // namespace d2l
