#include "launcher/manual/help_text.h"

#include <algorithm>
#include <regex>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::manual {
namespace {

using Lines = std::vector<std::string>;

const std::string kUsage = "Usage:", kExamples = "Examples:", kExitCodes = "Exit codes:";

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

void append(std::string& text, const std::string& more) {
  const std::string words = trimmed(more);
  if (!text.empty() && !words.empty()) text += ' ';
  text += words;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) append(text, line);
  return text;
}

// The lines between empty lines.
std::vector<Lines> blocks_of(const std::string& text) {
  std::vector<Lines> blocks = {{}};
  for (const std::string& line : split_lines(text)) {
    if (!trimmed(line).empty())
      blocks.back().push_back(line);
    else if (!blocks.back().empty())
      blocks.emplace_back();
  }
  if (blocks.back().empty()) blocks.pop_back();
  return blocks;
}

size_t indent(const std::string& line) { return line.find_first_not_of(' '); }

// The end of the words that a line begins with: two blanks follow, or nothing.
size_t end_of_words(const std::string& line) {
  return std::min(line.find("  ", indent(line)), line.size());
}

// Lines without an indent are text. A line with an indent of 2 begins with words; their meaning
// follows, also on lines with a larger indent.
std::vector<Entry> entries_of(const Lines& lines) {
  std::vector<Entry> entries;
  bool in_text = false;
  for (const std::string& line : lines) {
    const size_t blanks = indent(line);
    if (blanks == 2 || entries.empty() || (blanks == 0) != in_text) entries.emplace_back();
    in_text = blanks == 0;
    const size_t end = blanks == 2 ? end_of_words(line) : 0;
    append(entries.back().words, line.substr(0, end));
    append(entries.back().meaning, line.substr(end));
  }
  return entries;
}

bool begins_option(const std::string& line) { return line.starts_with("  -"); }

bool is_group(const Lines& block) {
  return block.size() > 1 && block[0].ends_with(":") && begins_option(block[1]);
}

// The column where the texts of all options begin.
size_t text_column(const std::vector<Lines>& blocks) {
  size_t column = std::string::npos;
  for (const Lines& block : blocks) {
    if (!is_group(block)) continue;
    for (size_t i = 1; i < block.size(); ++i) {
      const std::string& line = block[i];
      if (!begins_option(line)) return indent(line);
      if (end_of_words(line) < line.size())
        column = line.find_first_not_of(' ', end_of_words(line));
    }
  }
  return column;
}

// "-h [ --help ]", "--lr X"
HelpOption option_of(const std::string& words) {
  static const std::regex kForm(R"((?:(-\w) \[ )?(--[\w-]+)(?: \])?(?: (\S+))?)");
  std::smatch parts;
  check(std::regex_match(words, parts, kForm), "expected an option, found '", words, "'");
  return {.name = parts[2], .letter = parts[1], .value = parts[3], .text = ""};
}

HelpGroup group_of(const Lines& block, size_t column) {
  HelpGroup group = {.title = block[0].substr(0, block[0].size() - 1), .options = {}};
  for (size_t i = 1; i < block.size(); ++i) {
    const std::string& line = block[i];
    size_t begin = 0;  // of the text
    if (begins_option(line)) {
      const bool has_text = line.size() > column && line[column - 1] == ' ';
      begin = has_text ? column : line.size();
      group.options.push_back(option_of(trimmed(line.substr(0, begin))));
    }
    append(group.options.back().text, line.substr(begin));
  }
  return group;
}

// "0 success, 1 failure, 128 + N ended by the signal N, otherwise the exit code of the ranks."
std::vector<Entry> exit_codes_of(const std::string& text) {
  static const std::regex kCode(R"((?:^|, )(\d+ \+ N|\d+|otherwise) )");
  std::vector<Entry> codes;
  const std::string all = text.substr(0, text.find_last_not_of('.') + 1);
  for (std::sregex_iterator at(all.begin(), all.end(), kCode), end; at != end; ++at) {
    const auto begin = static_cast<size_t>(at->position() + at->length());
    const auto next = std::next(at);
    const size_t stop = next == end ? all.size() : static_cast<size_t>(next->position());
    codes.push_back({(*at)[1], all.substr(begin, stop - begin)});
  }
  return codes;
}

// "Usage:" and then entries, or "Usage: d2l-data info PATH..." with more lines below it.
std::vector<Entry> usage_of(const Lines& block) {
  if (block[0] == kUsage) return entries_of({block.begin() + 1, block.end()});
  std::vector<Entry> usage;
  for (const std::string& line : block) usage.push_back({trimmed(line.substr(kUsage.size())), ""});
  return usage;
}

}  // namespace

HelpText parse_help(const std::string& program, const std::string& text) {
  HelpText help;
  const std::vector<Lines> blocks = blocks_of(text);
  const size_t column = text_column(blocks);
  for (const Lines& block : blocks) {
    if (block[0].starts_with(program + ": "))
      help.summary = joined(block).substr(program.size() + 2);
    else if (block[0].starts_with(kUsage))
      help.usage = usage_of(block);
    else if (block[0] == kExamples)
      for (size_t i = 1; i < block.size(); ++i) help.examples.push_back(trimmed(block[i]));
    else if (block[0].starts_with(kExitCodes))
      help.exit_codes = exit_codes_of(trimmed(joined(block).substr(kExitCodes.size())));
    else if (is_group(block))
      help.groups.push_back(group_of(block, column));
    else
      for (Entry& entry : entries_of(block)) help.paragraphs.push_back(std::move(entry));
  }
  check(!help.usage.empty() && !help.groups.empty() && !help.exit_codes.empty(), program,
        " --help: expected a usage, options and exit codes, found ", help.usage.size(), ", ",
        help.groups.size(), " and ", help.exit_codes.size(), " of them");
  return help;
}

std::vector<std::string> command_names(const std::string& program, const HelpText& help) {
  static const std::regex kCommand(R"((\S+) ([a-z]+)(?: .*)?)");
  std::vector<std::string> names;
  for (const Entry& entry : help.usage) {
    std::smatch parts;
    if (!std::regex_match(entry.words, parts, kCommand) || parts[1] != program) continue;
    if (std::find(names.begin(), names.end(), parts[2]) == names.end()) names.push_back(parts[2]);
  }
  return names;
}

}  // namespace d2l::manual
