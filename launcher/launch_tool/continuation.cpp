#include "launcher/launch_tool/continuation.h"

#include <algorithm>
#include <charconv>

#include "framework/base/error.h"
#include "framework/base/path_text.h"

namespace d2l::launch_tool {
namespace {

namespace fs = std::filesystem;

// The value of "--NAME VALUE" or "--NAME=VALUE"; the last one counts. "": there is none.
std::string value_of(const std::vector<std::string>& words, const std::string& name) {
  std::string value;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) value = words[i + 1];
    if (words[i].starts_with(name + "=")) value = words[i].substr(name.size() + 1);
  }
  return value;
}

// The step in "step-00001600.h5"; 0 for other names.
int64_t step_of(const std::string& name) {
  int64_t step = 0;
  if (!name.starts_with("step-") || !name.ends_with(".h5")) return 0;
  const char* end = name.data() + name.size() - 3;
  const auto [rest, error] = std::from_chars(name.data() + 5, end, step);
  return error == std::errc() && rest == end ? step : 0;
}

int64_t newest_step(const fs::path& checkpoints) {
  std::error_code missing;
  int64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(checkpoints, missing))
    newest = std::max(newest, step_of(entry.path().filename().string()));
  return newest;
}

}  // namespace

Continuation continuation_of(const std::vector<std::string>& program) {
  const std::string resume = value_of(program, "--resume"), out = value_of(program, "--out");
  if (resume.empty())
    return {.run_folder = {},
            .obstacle = concat("add ", out.empty() ? "--out FOLDER " : "",
                               "--resume auto to the program's options")};
  if (!value_of(program, "--from").empty())
    return {.run_folder = {},
            .obstacle = "remove --from, which would go back to the same step each time"};
  if (resume != "auto") return {.run_folder = expand_home("--resume", resume), .obstacle = ""};
  if (out.empty())
    return {.run_folder = {}, .obstacle = "add --out FOLDER to the program's options"};
  return {.run_folder = expand_home("--out", out), .obstacle = ""};
}

int64_t saved_steps(const fs::path& run_folder) {
  int64_t steps = newest_step(run_folder / "checkpoints");
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(run_folder, missing))
    if (entry.path().filename().string().starts_with("fold-"))
      steps += newest_step(entry.path() / "checkpoints");
  return steps;
}

}  // namespace d2l::launch_tool
