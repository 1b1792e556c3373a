#include "framework/comm/stall_watch.h"

#include <algorithm>
#include <set>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

std::string count_of(int ranks) { return concat(ranks, ranks == 1 ? " rank" : " ranks"); }

// Work whose time nobody can know.
bool may_take_long(const RankProgress& rank) {
  return rank.doing == Doing::starting || rank.doing == Doing::evaluating ||
         rank.doing == Doing::saving || rank.doing == Doing::ending;
}

}  // namespace

std::string Stall::text(const std::string& host) const {
  const std::string place = concat("rank ", rank, " on ", host);
  const std::string time =
      concat(fixed(progress.still, 1), " s in step ", with_thousands(progress.step));
  if (progress.waits > 0) {
    const std::string who =
        others == waiting ? "; all" : concat("; ", place, ", the furthest behind,");
    return concat("all ", count_of(waiting + 1), " have waited for each other for ", time, who,
                  others == waiting ? " have" : " has", " last started collective ",
                  progress.collective_text());
  }
  std::string text = concat(place, " has been ", progress.doing_text(), " for ", time);
  if (others > 0)
    text += concat("; ", others, others == 1 ? " more does" : " more do", " not get on either");
  if (waiting > 0)
    text += concat("; ", count_of(waiting), waiting == 1 ? " waits" : " wait",
                   others > 0 ? " for them" : " for it");
  return text + "; last collective: " + progress.collective_text();
}

std::vector<int> StallWatch::members(int first_rank) const {
  std::vector<int> found;
  for (size_t rank = 0; rank < ranks_.size(); ++rank)
    if (ranks_[rank].first_rank == first_rank) found.push_back(static_cast<int>(rank));
  return found;
}

double StallWatch::shortest_stall(const std::vector<int>& members) const {
  double usual = 0;
  for (const int rank : members)
    usual = std::max(usual, ranks_[static_cast<size_t>(rank)].usual_seconds);
  return shortest_ + kSteps * usual;
}

std::optional<Stall> StallWatch::find(const std::vector<int>& members) const {
  const double shortest = shortest_stall(members);
  Stall stall{.rank = -1};
  int waiting = 0, stalled = 0;
  for (const int number : members) {
    const RankProgress& rank = ranks_[static_cast<size_t>(number)];
    if (rank.steps == 0 || (rank.waits == 0 && (may_take_long(rank) || rank.still < shortest)))
      return std::nullopt;
    ++(rank.waits > 0 ? waiting : stalled);
    if (rank.waits > 0 || (stall.rank >= 0 && rank.still <= stall.progress.still)) continue;
    stall.rank = number;
    stall.progress = rank;
  }
  if (stalled == 0) return find_all_waiting(members, shortest);
  stall.waiting = waiting;
  stall.others = stalled - 1;
  return stall;
}

std::optional<Stall> StallWatch::find_all_waiting(const std::vector<int>& members,
                                                  double shortest) const {
  Stall stall{.rank = members.front(),
              .progress = ranks_[static_cast<size_t>(members.front())],
              .waiting = static_cast<int>(members.size()) - 1,
              .others = -1};
  double still = stall.progress.still;
  for (const int number : members) {
    const RankProgress& rank = ranks_[static_cast<size_t>(number)];
    still = std::min(still, rank.still);
    if (rank.collectives > stall.progress.collectives) continue;
    if (rank.collectives < stall.progress.collectives)
      stall.rank = number, stall.progress = rank, stall.others = -1;
    ++stall.others;
  }
  if (still < shortest) return std::nullopt;
  stall.progress.still = still;
  return stall;
}

std::string StallWatch::end_text(const Episode& episode, double now) const {
  const std::string who = episode.is_of_all
                              ? "all ranks go on"
                              : concat("rank ", episode.rank, " on ",
                                       hosts_[static_cast<size_t>(episode.rank)], " goes on");
  return concat(who, ", after ", fixed(now - episode.began, 1), " s");
}

StallWatch::News StallWatch::judge(double now, double timeout) {
  News news;
  std::set<int> groups;
  for (const RankProgress& rank : ranks_) groups.insert(rank.first_rank);
  for (const int first_rank : groups) {
    const std::optional<Stall> stall = find(members(first_rank));
    const auto known = episodes_.find(first_rank);
    const bool is_of_all = stall && stall->progress.waits > 0;
    if (known != episodes_.end() &&
        (!stall || known->second.rank != stall->rank || known->second.is_of_all != is_of_all)) {
      news.notices.push_back(end_text(known->second, now));
      episodes_.erase(known);
    }
    if (!stall) continue;
    const double seconds = stall->progress.still;
    const Episode begin{.rank = stall->rank, .is_of_all = is_of_all, .began = now - seconds};
    Episode& episode = episodes_.try_emplace(first_rank, begin).first->second;
    if (seconds >= episode.next_warning) {
      news.warnings.push_back(stall->text(hosts_[static_cast<size_t>(stall->rank)]));
      episode.next_warning = 2 * seconds;
    }
    if (timeout > 0 && seconds >= timeout) news.lost = stall;
  }
  return news;
}

}  // namespace d2l
