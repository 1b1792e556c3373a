#include "data/packing/team.h"

#include "data/packing/stopped_error.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

// The first character of a process's text.
constexpr char kResult = 'r', kFailure = '1', kUsage = '2', kStopped = 's';

}  // namespace

std::vector<std::string> on_all(const PackTeam& team, const std::function<std::string()>& action) {
  if (team.size == 1) return {action()};
  std::string mine;
  try {
    mine = kResult + action();
  } catch (const StoppedError& error) {
    mine = concat(kStopped, error.what());
  } catch (const UsageError& error) {
    mine = concat(kUsage, error.what());
  } catch (const std::exception& error) {
    mine = concat(kFailure, error.what());
  }
  std::vector<std::string> all = team.gather(mine);
  for (const std::string& kinds : {std::string{kUsage, kFailure}, std::string{kStopped}})
    for (const std::string& text : all)
      if (kinds.find(text[0]) != std::string::npos)
        throw JobError(text.substr(1), text[0] == kUsage ? 2 : 1);
  for (std::string& text : all) text.erase(0, 1);
  return all;
}

std::string on_first(const PackTeam& team, const std::function<std::string()>& action) {
  return on_all(team, [&] { return team.rank == 0 ? action() : std::string(); })[0];
}

}  // namespace d2l::data
