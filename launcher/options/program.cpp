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
           "how progress is shown: bar, redrawn at the bottom of a terminal; lines, one every half "
           "a minute; off; or auto: a bar if the job's output is known to end on a terminal, lines "
           "otherwise")
      .per_rank();
  group.add("task", "NAME", &ProgramConfig::task, not_kept,
            "an experiment of the book instead of a training: attention-regression");
  group
      .add("config", "FILE", &ProgramConfig::config_file, not_kept,
           "options as `name = value` lines; flags win over them. In paths ~/, $NAME and ${NAME} "
           "are replaced")
      .path()
      .per_rank();
  return group.options();
}

}  // namespace d2l::launcher
