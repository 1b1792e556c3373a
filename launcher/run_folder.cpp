#include "launcher/run_folder.h"

#include <utility>

#include "framework/base/error.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

fs::path made_writable(const Config& config) {
  make_writable_folder(config.out);
  return config.out;
}

}  // namespace

RunFolder::RunFolder(const Config& config, Warn warn)
    : path_(made_writable(config)),
      warn_(std::move(warn)),
      lock_(path_ / ".lock"),
      store_(path_ / "checkpoints", {.keep = static_cast<int>(config.keep), .warn = warn_}) {
  if (!config.resume.empty()) return;
  check(!fs::exists(path_ / "config.ini") && CheckpointStore::steps(path_ / "checkpoints").empty(),
        "--out ", path_.string(), " already holds a run; go on with --resume ", path_.string(),
        " or name another folder");
  write_text_file(path_ / "config.ini", to_ini(config));
}

MetricsFile* RunFolder::go_on(const Config& config, int64_t step) {
  if (!config.from.empty()) store_.set_aside_after(step);
  if (!config.resume.empty()) write_text_file(path_ / "config.ini", to_ini(config));
  return &metrics_.emplace(path_ / "metrics.csv", step, warn_);
}

}  // namespace d2l::launcher
