#include "framework/launch/environment.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "framework/base/error.h"

namespace d2l::launch {
namespace {

std::string value_of(const Lookup& variable, const char* name) {
  const char* value = variable(name);
  return value == nullptr ? "" : value;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 7 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// Splits at commas that are not inside brackets.
std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : list) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// "07-10" -> 07 08 09 10
std::vector<std::string> expand_range(const std::string& range) {
  const size_t dash = range.find('-');
  const std::string first = range.substr(0, dash);
  const std::string last = dash == std::string::npos ? first : range.substr(dash + 1);
  check(is_number(first) && is_number(last), "Slurm's list of nodes: expected numbers, found '",
        range, "'");
  std::vector<std::string> numbers;
  for (int number = std::stoi(first); number <= std::stoi(last); ++number) {
    const std::string text = std::to_string(number);
    numbers.push_back(std::string(first.size() - std::min(first.size(), text.size()), '0') + text);
  }
  return numbers;
}

}  // namespace

std::vector<std::string> expand_nodes(const std::string& list) {
  std::vector<std::string> nodes;
  for (const std::string& part : split_list(list)) {
    const size_t open = part.find('['), close = part.find(']', open);
    if (open == std::string::npos) {
      nodes.push_back(part);
      continue;
    }
    check(close != std::string::npos, "Slurm's list of nodes: expected ']', found '", part, "'");
    const std::string before = part.substr(0, open), after = part.substr(close + 1);
    std::stringstream ranges(part.substr(open + 1, close - open - 1));
    for (std::string range; std::getline(ranges, range, ',');)
      for (const std::string& number : expand_range(range)) {
        // The rest may have brackets too.
        const std::vector<std::string> more = expand_nodes(concat(before, number, after));
        nodes.insert(nodes.end(), more.begin(), more.end());
      }
  }
  return nodes;
}

std::vector<int> expand_counts(const std::string& list) {
  std::vector<int> counts;
  std::stringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t times = part.find("(x");
    const std::string count = part.substr(0, times);
    std::string repeats = "1";
    if (times != std::string::npos)
      repeats = part.back() == ')' ? part.substr(times + 2, part.size() - times - 3) : "";
    check(is_number(count) && is_number(repeats),
          "Slurm's list of counts: expected 'N(xM)', found '", part, "'");
    counts.insert(counts.end(), static_cast<size_t>(std::stoi(repeats)), std::stoi(count));
  }
  return counts;
}

std::optional<SlurmAllocation> slurm_allocation(const Lookup& variable) {
  SlurmAllocation allocation{.job = value_of(variable, "SLURM_JOB_ID"), .nodes = {}};
  const std::string list = value_of(variable, "SLURM_JOB_NODELIST");
  if (allocation.job.empty() || list.empty()) return std::nullopt;
  const std::vector<std::string> names = expand_nodes(list);
  const std::vector<int> cpus = expand_counts(value_of(variable, "SLURM_JOB_CPUS_PER_NODE"));
  check(cpus.size() == names.size(), "SLURM_JOB_CPUS_PER_NODE: expected ", names.size(),
        " counts for SLURM_JOB_NODELIST=", list, ", found ", cpus.size());
  for (size_t i = 0; i < names.size(); ++i) allocation.nodes.push_back({names[i], cpus[i]});
  const std::string tasks = value_of(variable, "SLURM_NTASKS");
  if (is_number(tasks)) allocation.tasks = std::stoi(tasks);
  return allocation;
}

bool is_a_rank(const Lookup& variable) {
  if (variable("OMPI_COMM_WORLD_RANK") != nullptr || variable("PMIX_RANK") != nullptr) return true;
  const std::string tasks = value_of(variable, "SLURM_STEP_NUM_TASKS");
  return is_number(tasks) && std::stoi(tasks) > 1;
}

}  // namespace d2l::launch
