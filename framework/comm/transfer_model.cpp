#include "framework/comm/transfer_model.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "framework/comm/exchange_plan.h"

namespace d2l {
namespace {

constexpr int64_t kElementBytes = 4;  // of gradients, f32

double log2_up(int ranks) {
  return static_cast<double>(std::bit_width(static_cast<unsigned>(ranks - 1)));
}

std::vector<Exchange> plan_of(Collective::Kind kind, int ranks, int64_t elements) {
  if (kind == Collective::Kind::reduce_scatter) return plan_reduce_scatter(0, ranks, elements);
  if (kind == Collective::Kind::gather_parts) return plan_gather_parts(0, ranks, elements);
  return plan_all_reduce(0, ranks, elements, PieceRules::kWholeBytes / kElementBytes);
}

// A piece as rank 0 sees it: it has a partner beyond the power of two, if any rank has.
Transfer piece_of(Collective::Kind kind, int64_t bytes, int ranks) {
  const std::vector<Exchange> plan =
      plan_of(kind, ranks, (bytes + kElementBytes - 1) / kElementBytes);
  int64_t sent = 0, received = 0;
  for (const Exchange& exchange : plan) {
    sent += exchange.send.elements();
    received += exchange.receive.elements();
  }
  return {.messages = static_cast<double>(plan.size()),
          .bytes = static_cast<double>(std::max(sent, received) * kElementBytes)};
}

std::vector<Transfer> pieces_of(Collective::Kind kind, int64_t bytes, int ranks) {
  const Transfer whole = piece_of(kind, std::min(bytes, PieceRules::kBytes), ranks);
  std::vector<Transfer> pieces(static_cast<size_t>(bytes / PieceRules::kBytes), whole);
  if (const int64_t rest = bytes % PieceRules::kBytes; rest > 0)
    pieces.push_back(piece_of(kind, rest, ranks));
  return pieces;
}

// A ring sends (n - 1) / n of the bytes twice; a tree sends all up and down again.
Transfer by_nccl(double bytes, int ranks, const Network& network) {
  const auto n = static_cast<double>(ranks);
  const Transfer ring{.messages = 2 * (n - 1), .bytes = 2 * (n - 1) / n * bytes};
  const Transfer tree{.messages = 2 * log2_up(ranks), .bytes = 2 * bytes};
  const auto seconds = [&](const Transfer& way) {
    return network.seconds(way.messages, way.bytes);
  };
  return seconds(ring) <= seconds(tree) ? ring : tree;
}

}  // namespace

std::vector<Transfer> transfers_of(Collective::Kind kind, int64_t bytes, int ranks, Carrier carrier,
                                   const Network& network) {
  if (ranks == 1 || bytes == 0) return {};
  const auto n = static_cast<double>(ranks), all = static_cast<double>(bytes);
  switch (kind) {
    case Collective::Kind::all_reduce:
      if (carrier == Carrier::nccl) return {by_nccl(all, ranks, network)};
      return pieces_of(kind, bytes, ranks);
    case Collective::Kind::reduce_scatter:
    case Collective::Kind::gather_parts:
      if (carrier == Carrier::nccl) return {{.messages = n - 1, .bytes = (n - 1) / n * all}};
      return pieces_of(kind, bytes, ranks);
    case Collective::Kind::broadcast:
      return {{.messages = log2_up(ranks), .bytes = all}};
    case Collective::Kind::all_gather:
      return {{.messages = log2_up(ranks), .bytes = (n - 1) / n * all}};
  }
  return {};
}

size_t parts_under_way(Carrier carrier) {
  return carrier == Carrier::mpi ? PieceRules::kWindow : 1;
}

LinkQueue::LinkQueue(const Network& network, Carrier carrier)
    : network_(network), window_(parts_under_way(carrier)) {}

double LinkQueue::add(const Transfer& transfer, double ready) {
  double begin = std::max(ready, free_);
  if (finished_.size() >= window_) begin = std::max(begin, finished_[finished_.size() - window_]);
  free_ = begin + transfer.bytes / network_.bandwidth;
  finished_.push_back(free_ + transfer.messages * network_.latency);
  return finished_.back();
}

double operation_seconds(Collective::Kind kind, int64_t bytes, int ranks, Carrier carrier,
                         const Network& network) {
  LinkQueue link(network, carrier);
  double end = 0;
  for (const Transfer& part : transfers_of(kind, bytes, ranks, carrier, network))
    end = std::max(end, link.add(part, 0));
  return end;
}

Network fitted_network(const MeasuredReduce& small, const MeasuredReduce& large, int ranks,
                       Carrier carrier) {
  constexpr auto kKind = Collective::Kind::all_reduce;
  constexpr double kSlowest = 1, kFastest = 1e15;  // bytes/s
  constexpr int kHalvings = 100;
  const std::vector<Transfer> few = transfers_of(kKind, small.bytes, ranks, carrier, {});
  Network network{.latency = small.seconds / few.front().messages};
  double slow = kSlowest, fast = kFastest;
  for (int i = 0; i < kHalvings; ++i) {
    network.bandwidth = std::sqrt(slow * fast);
    const bool too_slow =
        operation_seconds(kKind, large.bytes, ranks, carrier, network) > large.seconds;
    (too_slow ? slow : fast) = network.bandwidth;
  }
  return network;
}

}  // namespace d2l
