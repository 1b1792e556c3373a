// d2l-manual: makes the manual page and the completion of a program from what it prints for --help.
// Only the build uses it:
//     d2l-manual build/release/bin/d2l-train build/release/share 0.1.0 2026-11-29 d2l-train
//     d2l-data

#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/manual/completion.h"
#include "launcher/manual/manual_page.h"

namespace d2l::manual {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& path) {
  check(path.find('\'') == std::string::npos, "expected a path without \"'\", found ", path);
  return "'" + path + "'";
}

// What a command prints to standard output.
std::string output_of(const std::string& command) {
  FILE* stream = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): the build's own programs
  check(stream != nullptr, command, ": cannot be started");
  std::string text;
  std::array<char, 4096> buffer{};
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), stream))
    text.append(buffer.data(), count);
  const int status = pclose(stream);
  check(status == 0, command, ": expected exit code 0, found status ", status);
  return text;
}

// The first words of the lines below a table's head, up to an empty line.
std::vector<std::string> first_column(const std::string& table) {
  std::vector<std::string> words;
  const std::vector<std::string> lines = split_lines(table);
  for (size_t i = 1; i < lines.size() && !lines[i].empty(); ++i)
    words.push_back(lines[i].substr(0, lines[i].find(' ')));
  return words;
}

// The words of the options whose text says: "--list-models prints the names".
void add_listed(Manual& manual, const std::string& path) {
  const std::string form = " prints the names";
  for (const HelpGroup& group : manual.help.groups)
    for (const HelpOption& option : group.options) {
      const size_t end = option.text.find(form);
      if (end == std::string::npos) continue;
      const size_t begin = option.text.rfind(' ', end - 1) + 1;
      manual.listed[option.name] =
          first_column(output_of(path + " " + option.text.substr(begin, end - begin)));
    }
}

Manual manual_of(const fs::path& program) {
  const std::string name = program.filename().string(), path = quoted(program.string());
  Manual manual = {
      .program = name, .help = parse_help(name, output_of(path + " --help")), .commands = {}};
  add_listed(manual, path);
  bool have_help = false;
  for (const Entry& entry : manual.help.paragraphs)
    have_help = have_help || entry.meaning.find(name + " COMMAND --help") != std::string::npos;
  if (have_help)
    for (const std::string& command : command_names(name, manual.help))
      manual.commands.push_back(
          {command, parse_help(name, output_of(concat(path, " ", command, " --help")))});
  return manual;
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  write_text_file(file, text);
}

int main_of(const std::vector<std::string>& words) {
  try {
    if (words.size() < 5)
      throw UsageError("expected PROGRAM FOLDER VERSION DATE and the names of all programs");
    const Manual manual = manual_of(words[0]);
    const fs::path folder = words[1];
    const PageFacts facts = {words[2], words[3], {words.begin() + 4, words.end()}};
    write(folder / "man/man1" / (manual.program + ".1"), manual_page(manual, facts));
    write(folder / "bash-completion/completions" / manual.program, bash_completion(manual));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "d2l-manual: error: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace
}  // namespace d2l::manual

int main(int argc, char** argv) { return d2l::manual::main_of({argv + 1, argv + argc}); }
