#include "launcher/ranks.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "framework/base/text.h"

namespace d2l::launcher {
namespace {

constexpr int kFailure = 1, kUsage = 2;  // exit codes

std::string rank_on_host(size_t rank, const std::vector<std::string>& hosts) {
  return concat("rank ", rank, " on ", hosts[rank]);
}

std::string ranks_prefix(const std::vector<size_t>& ranks, const std::vector<std::string>& hosts) {
  if (hosts.size() == 1) return "";
  if (ranks.size() == hosts.size()) return concat(ranks.size(), " ranks: ");
  if (ranks.size() == 1) return rank_on_host(ranks[0], hosts) + ": ";
  return concat(ranks.size(), " of ", hosts.size(), " ranks, first ", rank_on_host(ranks[0], hosts),
                ": ");
}

}  // namespace

std::string name_of(const MpiSession& session) {
  if (session.rank() == 0) return "";
  return concat("rank ", session.rank(), " on ", session.host(), ": ");
}

std::vector<std::string> merge_messages(const std::vector<std::string>& texts,
                                        const std::vector<std::string>& hosts) {
  std::vector<std::string> lines;  // in order of first appearance
  std::map<std::string, std::vector<size_t>> ranks;
  for (size_t rank = 0; rank < texts.size(); ++rank) {
    std::istringstream stream(texts[rank]);
    for (std::string line; std::getline(stream, line);) {
      if (line.empty()) continue;
      std::vector<size_t>& senders = ranks[line];
      if (senders.empty()) lines.push_back(line);
      if (senders.empty() || senders.back() != rank) senders.push_back(rank);
    }
  }
  for (std::string& line : lines) line.insert(0, ranks_prefix(ranks[line], hosts));
  return lines;
}

std::vector<std::string> gather_messages(const std::string& text, const MpiSession& session) {
  return merge_messages(session.gather(text), session.gather(session.host()));
}

void run_on_all_ranks(const MpiSession& session, const std::function<void()>& action) {
  if (session.size() == 1) return action();
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
  const std::vector<std::string> codes = session.gather(std::to_string(exit_code));
  const auto has = [&](int code) {
    return std::find(codes.begin(), codes.end(), std::to_string(code)) != codes.end();
  };
  if (!has(kFailure) && !has(kUsage)) return;
  throw JobError(join(gather_messages(problem, session), "\n"), has(kFailure) ? kFailure : kUsage);
}

}  // namespace d2l::launcher
