#include "launcher/options/program.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

template <>
const WordTable<ProgressChoice>& words_of() {
  using enum ProgressChoice;
  static const WordTable<ProgressChoice> kWords = {
      {automatic, "auto"}, {bar, "bar"}, {lines, "lines"}, {off, "off"}};
  return kWords;
}

std::vector<Option> program_options() {
  using enum ResumeRule;
  OptionGroup group("Other", &Config::program);
  group
      .add("progress", &ProgramConfig::progress, not_kept,
           "progress display. bar: a line that is redrawn, for terminals. lines: a line every 30 "
           "seconds. auto: bar on a terminal, otherwise lines. off: no progress")
      .per_rank();
  group
      .add("config", "FILE", &ProgramConfig::config_file, not_kept,
           "read options from FILE, which has one `name = value` per line. Options on the command "
           "line override them. In paths, ~/, $NAME and ${NAME} are expanded")
      .path()
      .per_rank();
  return group.options();
}

}  // namespace d2l::launcher
