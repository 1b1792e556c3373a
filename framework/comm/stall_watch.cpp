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
  if (progress.waits > 0)
    return concat(
        "all ", count_of(waiting + 1), " have waited for each other for ", time, "; ", place,
        " has started the fewest collectives; last collective: ", progress.collective_text());
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
  int furthest_behind = -1, waiting = 0, stalled = 0;
  double shortest_wait = 1e9;
  for (const int number : members) {
    const RankProgress& rank = ranks_[static_cast<size_t>(number)];
    if (rank.steps == 0 || (rank.waits == 0 && (may_take_long(rank) || rank.still < shortest)))
      return std::nullopt;
    if (rank.waits > 0) {
      ++waiting;
      shortest_wait = std::min(shortest_wait, rank.still);
      if (furthest_behind < 0 ||
          rank.collectives < ranks_[static_cast<size_t>(furthest_behind)].collectives)
        furthest_behind = number;
      continue;
    }
    ++stalled;
    if (stall.rank < 0 || rank.still > stall.progress.still) {
      stall.rank = number;
      stall.progress = rank;
    }
  }
  stall.waiting = waiting;
  stall.others = std::max(stalled - 1, 0);
  if (stalled > 0) return stall;
  if (shortest_wait < shortest) return std::nullopt;
  stall.rank = furthest_behind;
  stall.progress = ranks_[static_cast<size_t>(furthest_behind)];
  stall.progress.still = shortest_wait;
  --stall.waiting;
  return stall;
}

void StallWatch::end(int first_rank, double now, News& news) {
  const auto found = episodes_.find(first_rank);
  if (found == episodes_.end()) return;
  const Episode& episode = found->second;
  news.notices.push_back(concat("rank ", episode.rank, " on ",
                                hosts_[static_cast<size_t>(episode.rank)], " goes on, after ",
                                fixed(now - episode.began, 1), " s"));
  episodes_.erase(found);
}

StallWatch::News StallWatch::judge(double now, double timeout) {
  News news;
  std::set<int> groups;
  for (const RankProgress& rank : ranks_) groups.insert(rank.first_rank);
  for (const int first_rank : groups) {
    const std::optional<Stall> stall = find(members(first_rank));
    if (!stall || (episodes_.contains(first_rank) && episodes_[first_rank].rank != stall->rank))
      end(first_rank, now, news);
    if (!stall) continue;
    const double seconds = stall->progress.still;
    Episode& episode =
        episodes_.try_emplace(first_rank, Episode{.rank = stall->rank, .began = now - seconds})
            .first->second;
    if (seconds >= episode.next_warning) {
      news.warnings.push_back(stall->text(hosts_[static_cast<size_t>(stall->rank)]));
      episode.next_warning = 2 * seconds;
    }
    if (timeout > 0 && seconds >= timeout) news.lost = stall;
  }
  return news;
}

}  // namespace d2l
