#include "launcher/folds_folder.h"

#include <unistd.h>

#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "launcher/fold_data.h"
#include "launcher/options/resume_rules.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr const char *kConfig = "config.ini", *kLog = "log.txt", *kResults = "kfold.csv",
                     *kLock = ".lock";

bool is_of_folds_folder(const std::string& name) {
  return name == kConfig || name == kResults || name == kLock;
}

// `file`: the config.ini of the folder.
void check_resumed(const Config& config, const fs::path& file) {
  const Config before = from_ini(read_text_file(file), file.string());
  check_resume({.config = before, .checkpoint = file.string()}, config, "");
}

}  // namespace

bool has_fold_run(const fs::path& folder, int64_t fold) {
  std::error_code ignored;
  return fs::exists(fs::path(fold_folder(folder.string(), fold)) / kConfig, ignored);
}

FoldsFolder::Leftovers::~Leftovers() {
  for (int64_t fold = 1; fold <= folds; ++fold)
    if (has_fold_run(path, fold)) return;
  std::error_code ignored;
  for (const fs::path& file : files) fs::remove(file, ignored);
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) ::rmdir(folder->c_str());
}

FoldsFolder::FoldsFolder(const Config& config, Log& log, Tell lost)
    : path_(config.run.out),
      made_{.path = path_,
            .folds = config.cross_validation.folds,
            .folders = make_writable_folder(path_)} {
  lock_.emplace(path_ / kLock,
                FileLock::Options{.warn = [&log](const std::string& text) { log.warn(text); },
                                  .lost = std::move(lost)});
  const fs::path file = path_ / kConfig;
  const bool is_new = config.run.resume.empty();
  check(!is_new || !fs::exists(file), "--out ", path_.string(),
        " already contains a run; continue it with --resume ", path_.string(),
        " or choose another folder");
  if (!is_new) check_resumed(config, file);
  for (const char* name : {kConfig, kLog})
    if (!fs::exists(path_ / name)) made_.files.push_back(path_ / name);
  log.open(path_ / kLog);
  remove_leftovers(path_, is_of_folds_folder);
  const std::string text = to_ini(config);
  if (is_new || read_text_file(file) != text) write_text_file(file, text);
}

FoldsFolder::~FoldsFolder() = default;

fs::path FoldsFolder::write_results(const std::string& csv) {
  lock_->check_held();
  write_text_file(path_ / kResults, csv);
  return path_ / kResults;
}

}  // namespace d2l::launcher
