#pragma once

#include <map>
#include <string>
#include <vector>

namespace d2l::manual {

// What a program prints for --help, taken apart. It is printed from the tables that the command
// line is parsed with, so that manual pages and completions that are made of it follow them.

// Words, such as a command line, and their meaning; or text without words.
struct Entry {
  std::string words, meaning;
};

struct HelpOption {
  std::string name;    // "--lr"
  std::string letter;  // "-h"; "": none
  std::string value;   // "X", "on|off"; "": none
  std::string text;
};

struct HelpGroup {
  std::string title;  // "Optimizer"
  std::vector<HelpOption> options;
};

struct HelpText {
  std::string summary;       // "" for a command of a program
  std::vector<Entry> usage;  // command lines
  std::vector<Entry> paragraphs;
  std::vector<std::string> examples;
  std::vector<HelpGroup> groups;
  std::vector<Entry> exit_codes;  // "75", "stopped early with the state saved"
};

// `program`: its name. Throws Error if the text has no usage, no options or no exit codes, and for
// a line among options that belongs to none.
HelpText parse_help(const std::string& program, const std::string& text);

struct Manual {
  struct Command {
    std::string name;
    HelpText help;
  };

  std::string program;
  HelpText help;
  std::vector<Command> commands;  // those with a --help of their own
  // The words that an option's value can be, if another option lists them: "--model".
  std::map<std::string, std::vector<std::string>> listed = {};
};

// "info" of the usage "d2l-data info PATH...": the second words that are names, each once.
std::vector<std::string> command_names(const std::string& program, const HelpText& help);

}  // namespace d2l::manual
