#include "launcher/manual/completion.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::manual {
namespace {

using Words = std::vector<std::string>;

bool has_upper(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c); });
}

Words split(const std::string& text, const std::regex& separator) {
  return {std::sregex_token_iterator(text.begin(), text.end(), separator, -1), {}};
}

// The parts of "a|b|N" that are words; {} without a '|' and for longer forms.
Words alternatives(const std::string& value) {
  static const std::regex kForm(R"([\w-]+(\|[\w-]+)+)"), kBar(R"(\|)");
  if (!std::regex_match(value, kForm)) return {};
  Words words = split(value, kBar);
  std::erase_if(words, has_upper);
  return words;
}

bool names_folder(const std::string& value) { return value == "DIR" || value == "FOLDER"; }

// Also those that can be a name or a number: a file is one of the possibilities.
bool names_file(const std::string& value) {
  static const std::regex kFile("(FILE|SOURCE|RUN|STEP)\\b.*");
  return std::regex_match(value, kFile);
}

// The arguments of `compgen`, which proposes values; "": nothing.
std::string proposals(const HelpOption& option, const Words& words) {
  if (names_folder(option.value)) return "-d";
  if (names_file(option.value)) return "-f";
  if (words.empty()) return "";
  const bool or_folder = option.text.find("path of a folder") != std::string::npos;
  return concat(or_folder ? "-d " : "", "-W \"", join(words, " "), "\"");
}

std::string option_names(const HelpText& help) {
  Words names;
  for (const HelpGroup& group : help.groups)
    for (const HelpOption& option : group.options) names.push_back(option.name);
  return join(names, " ");
}

// A case for each option with a value; `command`: "", or the command's name with a blank.
std::string value_cases(const std::string& command, const HelpText& help,
                        const std::map<std::string, Words>& listed) {
  std::string cases;
  for (const HelpGroup& group : help.groups)
    for (const HelpOption& option : group.options) {
      if (option.value.empty()) continue;
      const auto known = listed.find(option.name);
      const std::string proposed =
          proposals(option, known == listed.end() ? words_of(option) : known->second);
      cases += concat("    '", command, option.name, "')",
                      proposed.empty() ? "" : " _d2l_propose " + proposed + ";", " return ;;\n");
    }
  return cases;
}

// What words without an option are, by the first one of a usage: "d2l-data info PATH...".
std::string positional(const std::string& usage) {
  static const std::regex kBlank(" ");
  const Words words = split(usage, kBlank);
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& before = words[i - 1];
    const bool is_value = before.starts_with("-") || before.starts_with("[-");
    if (is_value && !before.ends_with("]")) continue;
    const Words known = alternatives(words[i]);
    if (!known.empty() && !has_upper(words[i])) return "-W \"" + join(known, " ") + "\"";
    if (std::isupper(static_cast<unsigned char>(words[i][0]))) return "-f";
  }
  return "";
}

// What remains: an option or, if `other` proposes something, a word of its own.
std::string rest(const HelpText& help, const std::string& other) {
  std::string options = concat("_d2l_propose -W \"", option_names(help), "\"");
  if (other.empty()) return options;
  return concat("if [[ $word == -* ]]; then ", options, "; else _d2l_propose ", other, "; fi");
}

// The first word: a command, or an option of the program itself.
std::string first_word(const Words& commands, const HelpText& help) {
  return concat("  if ((COMP_CWORD == 1)); then\n    _d2l_propose -W \"", join(commands, " "), " ",
                option_names(help), "\"\n    return\n  fi\n");
}

std::string of_commands(const std::vector<Manual::Command>& commands) {
  std::string text = "  case ${COMP_WORDS[1]} in\n";
  for (const Manual::Command& command : commands)
    text += concat("    ", command.name, ") ",
                   rest(command.help, positional(command.help.usage[0].words)), " ;;\n");
  return text + "  esac\n";
}

constexpr const char* kPropose = R"(_d2l_propose() {
  [[ $1 == -W ]] || compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}
)";

constexpr const char* kWords =
    R"(  local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  # bash makes three words of --name=value.
  if [[ $word == = ]]; then
    word=
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)";

// The words after "--" are a command line of their own.
constexpr const char* kOtherProgram = R"(  local i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == -- ]] || continue
    if declare -F _command_offset >/dev/null; then
      _command_offset $((i + 1))
    elif ((COMP_CWORD == i + 1)); then
      _d2l_propose -c
    else
      _d2l_propose -f
    fi
    return
  done
)";

}  // namespace

Words words_of(const HelpOption& option) {
  static const std::regex kList(R"(: ([a-z][\w-]*(?:, [a-z][\w-]*){2,}))"), kComma(", ");
  std::smatch list;
  if (option.value == "NAME" && std::regex_search(option.text, list, kList))
    return split(list[1], kComma);
  return alternatives(option.value);
}

std::string bash_completion(const Manual& manual) {
  const HelpText& help = manual.help;
  const std::string& usage = help.usage[0].words;
  const Words commands = command_names(manual.program, help);
  const std::string function =
      "_" + std::regex_replace(manual.program, std::regex("[^a-z0-9]"), "_");
  std::string text = concat("# Completion for bash, made from ", manual.program, " --help.\n",
                            kPropose, "\n", function, "() {\n", kWords);
  if (usage.find(" -- ") != std::string::npos) text += kOtherProgram;
  if (!commands.empty()) text += first_word(commands, help);
  text +=
      manual.commands.empty() ? "  case $option in\n" : "  case ${COMP_WORDS[1]}' '$option in\n";
  if (manual.commands.empty()) text += value_cases("", help, manual.listed);
  for (const Manual::Command& command : manual.commands)
    text += value_cases(command.name + " ", command.help, {});
  text += "  esac\n";
  if (manual.commands.empty())
    text += concat("  ", rest(help, commands.empty() ? positional(usage) : "-f"), "\n");
  else
    text += of_commands(manual.commands);
  return concat(text, "}\ncomplete -F ", function, " ", manual.program, "\n");
}

}  // namespace d2l::manual
