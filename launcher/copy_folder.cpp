#include "launcher/copy_folder.h"

#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/checkpoint/file.h"
#include "launcher/options/usage.h"
#include "launcher/run_folder.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr const char *kConfig = "config.ini", *kCheckpoints = "checkpoints", *kLock = ".lock";

// Whether `path` is `folder` or inside of it.
bool is_in(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

void check_is_of_run(const Config& config) {
  const fs::path path = config.run.also_save_to, file = path / kConfig;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    if (CheckpointStore::steps(path / kCheckpoints).empty()) return;
    usage("--also-save-to ", path.string(), ": expected a new folder or the copies of this run, ",
          "found checkpoints without ", kConfig, "; choose another folder");
  }
  const std::string id = from_ini(read_text_file(file), file.string()).run.id;
  if (id != config.run.id)
    usage("--also-save-to ", path.string(), ": expected a new folder or the copies of this run, ",
          "found run ", id, "; continue that one with --resume ", path.string(),
          " or choose another folder");
}

fs::path checked_path(const Config& config) {
  check_is_of_run(config);
  return config.run.also_save_to;
}

}  // namespace

void check_copy_folder(const Config& config) {
  const std::string& folder = config.run.also_save_to;
  if (folder.empty()) return;
  std::error_code ignored;
  const fs::path copies = fs::weakly_canonical(fs::absolute(folder), ignored),
                 run = fs::weakly_canonical(fs::absolute(config.run.out), ignored);
  if (is_in(copies, run) || is_in(run, copies))
    usage("--also-save-to ", folder, ": expected a folder apart from the run folder, which is ",
          config.run.out);
}

CopyFolder::CopyFolder(const Config& config, Tell warn)
    : path_(checked_path(config)),
      warn_(std::move(warn)),
      folders_(path_),
      lock_(path_ / kLock, {.warn = warn_, .lost = [this](const std::string& why) {
                              warn_("no more copies of checkpoints are saved: " + why);
                            }}) {}

CheckpointStore& CopyFolder::begin(const Config& config, const Position& position,
                                   const fs::path& checkpoint, Log& log) {
  store_.emplace(
      path_ / kCheckpoints,
      CheckpointStore::Options{
          .keep = static_cast<int>(config.run.keep),
          .warn = [this](const std::string& text) { warn_("copy: " + text); },
          .saved =
              [this, &log](int64_t step, bool) {
                log.note("saved a copy of the checkpoint of step ", step, " in ", path_.string());
              },
          .check_held = [this] { lock_.check_held(); },
          .newest = checkpoint.parent_path() == path_ / kCheckpoints ? checkpoint : fs::path()});
  if (!config.run.from.empty()) store_->set_aside_after(position.step);
  return *store_;
}

void CopyFolder::keep(Config config) {
  config.run.also_save_to = "";  // a run that continues from here has no other folder
  write_text_file(path_ / kConfig, to_ini(config));
  folders_.keep();
}

std::optional<CheckpointStore::Found> newest_of_both(const Config& config, Log& log) {
  const fs::path folder = fs::path(config.run.out) / kCheckpoints,
                 copies = fs::path(config.run.also_save_to) / kCheckpoints;
  const auto warn = [&](const std::string& line) { log.warn(line); };
  const auto accept = [&](const CheckpointStore::Found& found) { check_run(found, config); };
  std::optional<CheckpointStore::Found> found = CheckpointStore::newest_valid(folder, warn, accept);
  if (config.run.also_save_to.empty()) return found;
  const int64_t step = found ? found->snapshot.integers.at("progress/step") : -1;
  std::optional<CheckpointStore::Found> copy;
  try {
    copy = CheckpointStore::newest_valid(copies, warn, accept, step);
  } catch (const Error& error) {
    warn(error.what());
  }
  if (!copy) return found;
  const fs::path path =
      CheckpointStore::path_of(folder, copy->snapshot.integers.at("progress/step"));
  make_writable_folder(folder);
  write_checkpoint(path, copy->snapshot);
  log.info("the newest checkpoint is ", copy->path.string(), "; copied to ", path.string());
  copy->path = path;
  return copy;
}

}  // namespace d2l::launcher
