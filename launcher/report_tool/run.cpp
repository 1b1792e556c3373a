#include "launcher/report_tool/run.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/stored_config.h"

namespace d2l::report_tool {
namespace {

namespace fs = std::filesystem;

// Of all curves of a run, for pages of a few MB.
constexpr size_t kPointsOfAllRuns = 4000, kFewestPoints = 300, kMostPoints = 2000;

constexpr std::string_view kFold = "fold-";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_run_folder(const fs::path& path) {
  return is_there(path / "config.ini") || is_there(path / "metrics.csv") ||
         is_there(path / "log.txt");
}

// Reads a file of a run; keeps its error as a problem.
void read_part(Run& run, const char* file, const std::function<void(const fs::path& path)>& read) {
  const fs::path path = run.path / file;
  try {
    if (is_there(path)) return read(path);
    run.problems.push_back(path.string() + ": no such file");
  } catch (const Error& error) {
    run.problems.push_back(error.what());
  }
}

void note_damage(Run& run) {
  const auto add = [&](const char* file, int64_t count, const char* one, const char* many) {
    if (count > 0)
      run.problems.push_back(concat((run.path / file).string(), ": ", with_thousands(count), " ",
                                    count == 1 ? one : many));
  };
  add("metrics.csv", run.metrics.damaged, "damaged line is left out", "damaged lines are left out");
  add("metrics.csv", run.metrics.not_finite, "value that is no finite number is left out",
      "values that are no finite numbers are left out");
  add("log.txt", run.history.damaged, "line without a time is left out",
      "lines without a time are left out");
}

Run read_run(const fs::path& path, size_t most_points) {
  Run run;
  run.path = path;
  run.has_lock = is_there(path / ".lock");
  read_part(run, "config.ini", [&](const fs::path& file) {
    run.config = launcher::from_ini(read_text_file(file), file.string());
  });
  read_part(run, "log.txt", [&](const fs::path& file) { run.history = read_history(file); });
  const MetricsOptions options{.resumed_after = run.history.first_steps(),
                               .most_points = most_points};
  read_part(run, "metrics.csv",
            [&](const fs::path& file) { run.metrics = read_metrics(file, options); });
  note_damage(run);
  return run;
}

FoldsTable read_folds(const fs::path& folder) {
  FoldsTable table{.name = folder.string(), .rows = {}};
  for (const std::string& line : split_lines(read_text_file(folder / "kfold.csv"))) {
    std::vector<std::string>& row = table.rows.emplace_back();
    std::istringstream stream(line + ",");
    for (std::string field; std::getline(stream, field, ',');) row.push_back(field);
  }
  return table;
}

// The number in "fold-3"; 0 for other names.
int64_t fold_in(const std::string& name) {
  int64_t fold = 0;
  if (name.starts_with(kFold))
    std::from_chars(name.data() + kFold.size(), name.data() + name.size(), fold);
  return fold;
}

// The folds of a cross-validation that have begun, in their order; none in other folders.
std::vector<fs::path> folds_of(const fs::path& folder) {
  std::map<int64_t, fs::path> folds;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const int64_t fold = fold_in(entry->path().filename().string());
    if (fold > 0 && is_run_folder(entry->path())) folds[fold] = entry->path();
  }
  std::vector<fs::path> paths;
  paths.reserve(folds.size());
  for (const auto& [fold, path] : folds) paths.push_back(path);
  return paths;
}

// The last `parts` names of a path.
std::string ending(const fs::path& path, size_t parts) {
  std::vector<fs::path> names;
  for (const fs::path& name : fs::absolute(path).lexically_normal())
    if (!name.empty() && name != "/") names.push_back(name);
  fs::path text;
  for (size_t i = names.size() - std::min(parts, names.size()); i < names.size(); ++i)
    text /= names[i];
  return text.string();
}

// The shortest endings of the paths that differ; folds are named with their folder.
void name_runs(std::vector<Run>& runs) {
  constexpr size_t kMostParts = 20;
  for (size_t parts = 1; parts <= kMostParts; ++parts) {
    std::map<std::string, int> uses;
    for (Run& run : runs) {
      const bool is_fold = fold_in(run.path.filename().string()) > 0;
      run.name = ending(run.path, parts + (is_fold ? 1 : 0));
      ++uses[run.name];
    }
    if (uses.size() == runs.size()) return;
  }
}

}  // namespace

const Metrics::Result* Run::deciding() const {
  if (config && !config->run.best.empty())
    if (const Metrics::Result* chosen = metrics.result(config->run.best)) return chosen;
  for (const Metrics::Result& result : metrics.results)
    if (result.name != "loss") return &result;
  return metrics.result("loss");
}

std::string Run::end() const {
  if (!history.end.empty()) return history.end;
  return has_lock ? "running, or ended without a last line in log.txt (.lock exists)"
                  : "not known: log.txt has no last line";
}

Runs read_runs(const std::vector<std::string>& paths,
               const std::function<void(const std::string& message)>& tell) {
  std::vector<fs::path> folders;
  Runs found;
  for (const fs::path path : paths) {
    check(is_there(path), path.string(), ": expected a run folder, found no such file or folder");
    const std::vector<fs::path> folds = folds_of(path);
    folders.insert(folders.end(), folds.begin(), folds.end());
    try {
      if (is_there(path / "kfold.csv")) found.folds.push_back(read_folds(path));
    } catch (const Error& error) {
      tell(error.what());
    }
    if (!folds.empty()) continue;
    if (is_run_folder(path))
      folders.push_back(path);
    else
      tell(concat(path.string(), ": expected a run folder, found ",
                  fs::is_directory(path) ? "a folder without config.ini, log.txt and metrics.csv"
                                         : "a file",
                  "; left out"));
  }
  check(!folders.empty(), "expected run folders, found none");
  const size_t most_points =
      std::clamp(kPointsOfAllRuns / folders.size(), kFewestPoints, kMostPoints);
  for (const fs::path& folder : folders) {
    found.runs.push_back(read_run(folder, most_points));
    for (const std::string& problem : found.runs.back().problems) tell(problem);
  }
  name_runs(found.runs);
  return found;
}

}  // namespace d2l::report_tool
