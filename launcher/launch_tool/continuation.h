#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace d2l::launch_tool {

// Whether the same command, started again, continues what it has done before.
struct Continuation {
  std::filesystem::path run_folder;  // if so
  std::string obstacle;              // if not: what to change; "": it continues
};

// `program`: d2l-train with its arguments, or any program with options of these names.
Continuation continuation_of(const std::vector<std::string>& program);

// The step of the newest checkpoint in a run folder; of a cross-validation, those of all its folds
// together. 0 if there is none.
int64_t saved_steps(const std::filesystem::path& run_folder);

}  // namespace d2l::launch_tool
