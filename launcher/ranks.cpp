#include "launcher/ranks.h"

#include <algorithm>
#include <map>

#include "framework/base/text.h"

namespace d2l::launcher {
namespace {

constexpr int kFailure = 1, kUsage = 2;  // exit codes

std::string rank_on_host(int number, const std::string& host) {
  return concat("rank ", number, " on ", host);
}

std::string ranks_prefix(const std::vector<size_t>& ranks, const std::vector<std::string>& hosts,
                         int first_rank) {
  if (hosts.size() == 1) return "";
  if (ranks.size() == hosts.size()) return concat(ranks.size(), " ranks: ");
  std::string first = rank_on_host(first_rank + static_cast<int>(ranks[0]), hosts[ranks[0]]) + ": ";
  if (ranks.size() == 1) return first;
  return concat(ranks.size(), " of ", hosts.size(), " ranks, first ", first);
}

}  // namespace

std::string name_of(const RankGroup& group) {
  if (group.rank() == 0) return "";
  return rank_on_host(group.first_rank() + group.rank(), group.host()) + ": ";
}

std::vector<std::string> merge_messages(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& hosts, int first_rank) {
  std::vector<std::string> lines;  // in order of first appearance
  std::map<std::string, std::vector<size_t>> ranks;
  for (size_t rank = 0; rank < texts.size(); ++rank)
    for (const std::string& line : split_lines(texts[rank])) {
      if (line.empty()) continue;
      std::vector<size_t>& senders = ranks[line];
      if (senders.empty()) lines.push_back(line);
      if (senders.empty() || senders.back() != rank) senders.push_back(rank);
    }
  for (std::string& line : lines) line.insert(0, ranks_prefix(ranks[line], hosts, first_rank));
  return lines;
}

std::vector<std::string> gather_messages(const std::string& text, const RankGroup& group) {
  return merge_messages(group.gather(text), group.gather(group.host()), group.first_rank());
}

void run_on_all_ranks(const RankGroup& group, const std::function<void()>& action) {
  if (group.size() == 1) return action();
  std::string problem;
  int exit_code = 0;
  try {
    action();
  } catch (const UsageError& error) {
    problem = error.what();
    exit_code = kUsage;
  } catch (const std::exception& error) {
    problem = error.what();
    exit_code = kFailure;
  }
  const std::vector<std::string> codes = group.gather(std::to_string(exit_code));
  const auto has = [&](int code) {
    return std::find(codes.begin(), codes.end(), std::to_string(code)) != codes.end();
  };
  if (!has(kFailure) && !has(kUsage)) return;
  throw JobError(join(gather_messages(problem, group), "\n"), has(kFailure) ? kFailure : kUsage);
}

}  // namespace d2l::launcher
