#include "framework/launch/output_reader.h"

#include <cctype>
#include <optional>

namespace d2l::launch {
namespace {

constexpr size_t kLongestLine = 1 << 20;

struct Tag {
  size_t begin = 0, end = 0;
  int rank = kNoRank;
};

size_t skip_digits(const std::string& text, size_t at) {
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) ++at;
  return at;
}

// Tags are also in the middle of lines. The next "[1,RANK]<stdout>:" or "[1,RANK]<stderr>:".
std::optional<Tag> find_tag(const std::string& text, size_t from) {
  for (size_t at = from; (at = text.find("[1,", at)) != std::string::npos; ++at) {
    const size_t number = at + 3, after = skip_digits(text, number);
    if (after == number || after - number > 8) continue;
    for (const char* kind : {"]<stdout>:", "]<stderr>:"})
      if (text.compare(after, 10, kind) == 0)
        return Tag{at, after + 10, std::stoi(text.substr(number, after - number))};
  }
  return std::nullopt;
}

// "  3: text"
OutputLine read_labelled(const std::string& line) {
  const size_t number = line.find_first_not_of(' ');
  if (number == std::string::npos) return {kNoRank, line};
  const size_t after = skip_digits(line, number);
  if (after == number || after - number > 8 || line.compare(after, 2, ": ") != 0)
    return {kNoRank, line};
  const std::string text = line.substr(after + 2);
  if (text.starts_with("slurmstepd")) return {kNoRank, text};  // Slurm speaks in a rank's name
  return {std::stoi(line.substr(number, after - number)), text};
}

}  // namespace

std::vector<OutputLine> OutputReader::read(const std::string& line) {
  if (form_ == OutputForm::tagged) return read_tagged(line);
  return {form_ == OutputForm::labelled ? read_labelled(line) : OutputLine{kNoRank, line}};
}

std::vector<OutputLine> OutputReader::read_tagged(const std::string& line) {
  std::vector<OutputLine> lines;
  std::optional<Tag> tag = find_tag(line, 0);
  if (!tag || tag->begin > 0)
    lines.push_back({kNoRank, line.substr(0, tag ? tag->begin : line.size())});
  while (tag) {
    const std::optional<Tag> next = find_tag(line, tag->end);
    std::string& text = unfinished_[tag->rank];
    text += line.substr(tag->end, (next ? next->begin : line.size()) - tag->end);
    // Only the last piece is followed by a line break.
    if (!next || text.size() > kLongestLine) {
      lines.push_back({tag->rank, std::move(text)});
      unfinished_.erase(tag->rank);
    }
    tag = next;
  }
  return lines;
}

std::vector<OutputLine> OutputReader::rest() {
  std::vector<OutputLine> lines;
  for (auto& [rank, text] : unfinished_) lines.push_back({rank, std::move(text)});
  unfinished_.clear();
  return lines;
}

}  // namespace d2l::launch
