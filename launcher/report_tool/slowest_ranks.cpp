#include "launcher/report_tool/slowest_ranks.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace d2l::report_tool {
namespace {

// The number between `before` and `after`, up to which the text is removed.
std::optional<double> number_between(std::string_view& text, std::string_view before,
                                     std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + before.size());
  const size_t end = text.find(after);
  if (end == std::string_view::npos) return std::nullopt;
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + end, number);
  if (result.ec != std::errc() || result.ptr != text.data() + end) return std::nullopt;
  text.remove_prefix(end + after.size());
  return number;
}

}  // namespace

bool SlowestRanks::add(std::string_view message) {
  constexpr std::string_view kBegin = "slowest rank: ";
  if (!message.starts_with(kBegin)) return false;
  message.remove_prefix(kBegin.size());
  const std::string name(message.substr(0, message.find(", ")));
  const auto step = number_between(message, ", ", " ms per step"),
             data = number_between(message, ", ", " ms of it waiting for data"),
             median = number_between(message, "; median ", " ms");
  if (!step || !data || !median) return false;
  ++comparisons_;
  auto found = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& entry) { return entry.rank == name; });
  if (found == entries_.end()) found = entries_.insert(found, Entry{.rank = name});
  ++found->times;
  found->step += *step;
  found->data += *data;
  found->median += *median;
  return true;
}

std::vector<SlowestRanks::Entry> SlowestRanks::entries() const {
  std::vector<Entry> sorted = entries_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.times > b.times; });
  return sorted;
}

}  // namespace d2l::report_tool
