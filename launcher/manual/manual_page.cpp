#include "launcher/manual/manual_page.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>

#include "framework/base/error.h"

namespace d2l::manual {
namespace {

// Text as it stands; it must not begin a line with a '.'.
std::string plain(const std::string& text) {
  static const std::map<char, const char*> kEscapes = {
      {'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"}, {'`', "\\(ga"},
      {'^', "\\(ha"}, {'~', "\\(ti"}, {'"', "\\(dq"}};
  std::string escaped;
  for (const char c : text) {
    const auto found = kEscapes.find(c);
    if (found == kEscapes.end())
      escaped += c;
    else
      escaped += found->second;
  }
  return escaped;
}

std::string bold(const std::string& text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + plain(text) + "\\fR"; }

// Options and the names of programs are bold.
std::string prose(const std::string& text) {
  static const std::regex kBold(R"((^|[^\w/-])(--[a-z][\w-]*|d2l-[a-z]+))");
  std::string result;
  size_t end = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), kBold), last; at != last; ++at) {
    const auto begin = static_cast<size_t>(at->position(2));
    result += plain(text.substr(end, begin - end)) + bold((*at)[2]);
    end = begin + (*at)[2].str().size();
  }
  return result + plain(text.substr(end));
}

// Lines of a moderate length. `text` is written already; words that a macro could be are protected.
std::string filled(const std::string& text) {
  constexpr size_t kColumns = 78;
  std::string lines;
  size_t begin = 0;  // of the last line
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool breaks = lines.size() + 1 + word.size() - begin > kColumns;
    if (!lines.empty()) lines += breaks ? '\n' : ' ';
    if (breaks) begin = lines.size();
    if (begin == lines.size() && word.starts_with('.')) lines += "\\&";
    lines += word;
  }
  return lines;
}

class Page {
 public:
  void section(const std::string& title) { heading(".SH ", title); }
  void part(const std::string& title) { heading(".SS ", title); }
  void paragraph(const std::string& text) {
    if (!after_heading_) line(".PP");
    line(filled(text));
  }
  void entry(const std::string& words, const std::string& meaning) {
    line(".TP");
    line(words);
    line(filled(meaning));
  }
  // The lines between them are not filled.
  void begin_lines() {
    if (!after_heading_) line(".PP");
    line(".nf");
  }
  void end_lines() { line(".fi"); }
  void line(const std::string& text) {
    text_ += text + "\n";
    after_heading_ = false;
  }
  const std::string& text() const { return text_; }

 private:
  void heading(const char* macro, const std::string& title) {
    line(macro + plain(title));
    after_heading_ = true;
  }

  std::string text_;
  bool after_heading_ = false;
};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string words_of(const HelpOption& option) {
  std::string words = option.letter.empty() ? "" : bold(option.letter) + ", ";
  words += bold(option.name);
  return option.value.empty() ? words : words + " " + italic(option.value);
}

void write_entries(Page& page, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.words.empty())
      page.paragraph(prose(entry.meaning));
    else if (!entry.meaning.empty())
      page.entry(prose(entry.words), prose(entry.meaning));
  }
}

void write_usage(Page& page, const std::vector<Entry>& usage) {
  page.begin_lines();
  for (const Entry& entry : usage) page.line(prose(entry.words));
  page.end_lines();
}

void write_options(Page& page, const HelpGroup& group) {
  for (const HelpOption& option : group.options) page.entry(words_of(option), prose(option.text));
}

void write_examples(Page& page, const std::vector<std::string>& examples) {
  page.begin_lines();
  for (const std::string& example : examples) page.line(plain(example));
  page.end_lines();
}

// A part of the section of commands. Its exit codes are the program's.
void write_command(Page& page, const std::string& program, const Manual::Command& command) {
  page.part(program + " " + command.name);
  write_usage(page, command.help.usage);
  write_entries(page, command.help.paragraphs);
  for (const HelpGroup& group : command.help.groups) {
    if (group.title != "Options") page.paragraph(prose(group.title + ":"));
    write_options(page, group);
  }
  if (command.help.examples.empty()) return;
  page.paragraph("Examples:");
  write_examples(page, command.help.examples);
}

void write_all_options(Page& page, const HelpText& help) {
  page.section("OPTIONS");
  for (const HelpGroup& group : help.groups) {
    if (help.groups.size() > 1) page.part(group.title);
    write_options(page, group);
  }
}

bool uses_mpirun(const HelpText& help) {
  return std::any_of(help.usage.begin(), help.usage.end(),
                     [](const Entry& entry) { return entry.words.starts_with("mpirun "); });
}

void write_see_also(Page& page, const std::string& program, bool mpirun,
                    const std::vector<std::string>& programs) {
  page.section("SEE ALSO");
  std::vector<std::string> others;
  if (mpirun) others.push_back(bold("mpirun") + "(1)");
  for (const std::string& other : programs)
    if (other != program) others.push_back(bold(other) + "(1)");
  for (size_t i = 0; i < others.size(); ++i)
    page.line(others[i] + (i + 1 < others.size() ? "," : ""));
}

}  // namespace

std::string manual_page(const Manual& manual, const PageFacts& facts) {
  const HelpText& help = manual.help;
  Page page;
  page.line(concat(".TH ", upper(plain(manual.program)), " 1 ", facts.date, " \"d2l ",
                   facts.version, "\" \"d2l\""));
  page.line(".nh");  // names of options and files keep their form
  page.line(".ad l");
  page.section("NAME");
  page.line(filled(plain(manual.program) + " \\- " + plain(help.summary)));
  page.section("SYNOPSIS");
  write_usage(page, help.usage);
  page.section("DESCRIPTION");
  write_entries(page, help.usage);
  write_entries(page, help.paragraphs);
  write_all_options(page, help);
  if (!manual.commands.empty()) page.section("COMMANDS");
  for (const Manual::Command& command : manual.commands)
    write_command(page, manual.program, command);
  page.section("EXIT STATUS");
  for (const Entry& code : help.exit_codes) page.entry(bold(code.words), prose(code.meaning));
  if (!help.examples.empty()) page.section("EXAMPLES");
  if (!help.examples.empty()) write_examples(page, help.examples);
  write_see_also(page, manual.program, uses_mpirun(help), facts.programs);
  return page.text();
}

}  // namespace d2l::manual
