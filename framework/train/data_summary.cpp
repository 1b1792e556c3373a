#include "framework/train/data_summary.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "framework/base/text.h"
#include "framework/comm/gather.h"

namespace d2l {
namespace {

// The texts of all ranks, one per line. `longest`: the bytes of the longest text of a rank.
std::vector<std::string> gather_lines(const std::string& mine, size_t longest, Communicator& comm) {
  const auto size = static_cast<int64_t>(longest);
  std::string padded = mine, all(longest * static_cast<size_t>(comm.size()), '\0');
  padded.resize(longest);
  comm.all_gather({padded.data(), DType::u8, Shape{size}},
                  {all.data(), DType::u8, Shape{size * comm.size()}});
  std::vector<std::string> lines;
  for (size_t begin = 0, end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const size_t text = all.find_first_not_of('\0', begin);
    lines.push_back(all.substr(text, end - text));
  }
  return lines;
}

}  // namespace

std::string DataSummary::text() const {
  std::string text =
      concat("waiting for data ", fixed(seconds > 0 ? 100 * waited / seconds : 0, 1), " %");
  if (replaced.count > 0)
    text += concat(
        ", ", with_thousands(replaced.count),
        replaced.count == 1 ? " damaged sample was replaced" : " damaged samples were replaced");
  return text;
}

void DataSummary::add(const DataSummary& other) {
  waited += other.waited;
  seconds += other.seconds;
  replaced.count += other.replaced.count;
  for (const std::string& problem : other.replaced.problems)
    if (std::find(replaced.problems.begin(), replaced.problems.end(), problem) ==
        replaced.problems.end())
      replaced.problems.push_back(problem);
}

DataSummary of_all_ranks(const DataSummary& mine, Communicator& comm) {
  struct Numbers {
    double waited, seconds;
    int64_t replaced;
    size_t bytes;
  };
  std::string lines;
  for (const std::string& problem : mine.replaced.problems) lines += problem + "\n";
  DataSummary sum;
  size_t longest = 0;
  const Numbers numbers{mine.waited, mine.seconds, mine.replaced.count, lines.size()};
  for (const Numbers& rank : gather(numbers, comm)) {
    sum.add({rank.waited, rank.seconds, {rank.replaced, {}}});
    longest = std::max(longest, rank.bytes);
  }
  if (longest > 0) sum.add({.replaced = {0, gather_lines(lines, longest, comm)}});
  return sum;
}

}  // namespace d2l
