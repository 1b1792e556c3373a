#include "launcher/run_folder.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/random_id.h"
#include "framework/base/timer.h"
#include "launcher/fold_data.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr const char *kConfig = "config.ini", *kMetrics = "metrics.csv", *kLog = "log.txt",
                     *kCheckpoints = "checkpoints", *kEvents = "tensorboard", *kLock = ".lock",
                     *kProbe = ".probe";

std::string run_text(const std::string& run) {
  return run.empty() ? "a run without an identifier" : "run " + run;
}

bool is_of_run_folder(const std::string& name) {
  return name == kConfig || name == kMetrics || name == kLock || name == kProbe;
}

}  // namespace

bool appears(const fs::path& file, double seconds) {
  const Timer timer;
  std::error_code ignored;
  while (!fs::exists(file, ignored)) {
    if (timer.seconds() > seconds) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

void check_is_shared(const fs::path& file) {
  constexpr double kPatience = 10;  // seconds: network file systems may know it only later
  check(appears(file, kPatience), "expected a run folder that all ranks share, found ",
        file.string(), " on rank 0 only; choose an --out on a file system of all hosts");
}

std::string default_folder(const Config& config) {
  const ModelConfig& model = config.model;
  const std::string folder = "runs/" + (model.recipe.empty() ? model.name : model.recipe);
  const int64_t fold = config.cross_validation.fold;
  return fold > 0 ? fold_folder(folder, fold) : folder;
}

std::string new_run_id(Communicator& comm) {
  std::string id = random_id();
  comm.broadcast({id.data(), DType::u8, Shape{static_cast<int64_t>(id.size())}}, 0);
  return id;
}

void check_run(const CheckpointStore::Found& found, const Config& config) {
  check(found.snapshot.integers.count("progress/step") > 0, found.path.string(),
        ": expected the state of a training, found only weights; a new run can start from them: "
        "--weights ",
        found.path.string());
  const auto text = found.snapshot.texts.find("run");
  const std::string run = text == found.snapshot.texts.end() ? "" : text->second;
  check(run == config.run.id, found.path.string(), ": expected a checkpoint of ",
        run_text(config.run.id), ", found one of ", run_text(run));
}

RunFolder::RunFolder(const Config& config, Trace* trace, Tell warn, Tell lost)
    : path_(config.run.out),
      warn_(std::move(warn)),
      folders_(path_),
      lock_(path_ / kLock, {.warn = warn_, .lost = std::move(lost)}),
      trace_(trace) {
  if (config.run.resume.empty()) check_new();
  std::error_code ignored;
  for (const char* name : {kConfig, kMetrics, kLog, kCheckpoints})
    if (!fs::exists(in(name), ignored)) absent_.push_back(in(name));
  if (!config.run.also_save_to.empty()) open_copies(config);
}

// A disk that has failed must not keep a run from going on without copies.
void RunFolder::open_copies(const Config& config) {
  try {
    copies_.emplace(config, warn_);
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    const std::string text = concat("--also-save-to: ", error.what());
    if (config.run.resume.empty()) fail(text);
    warn_(text + "; no copies of checkpoints are saved");
  }
}

RunFolder::~RunFolder() {
  metrics_.reset();
  store_.reset();
  copies_.reset();
  if (begun_) return;
  std::error_code ignored;
  for (const fs::path& path : absent_) fs::remove(path, ignored);  // removes only empty folders
}

void RunFolder::check_new() const {
  const bool has_run = fs::exists(in(kConfig)) || !CheckpointStore::steps(in(kCheckpoints)).empty();
  check(!has_run, "--out ", path_.string(), " already contains a run; continue it with --resume ",
        path_.string(), " or choose another folder");
  // The file of a start that was killed has no rows.
  const std::string rows = fs::exists(in(kMetrics)) ? read_text_file(in(kMetrics)) : "";
  check(std::count(rows.begin(), rows.end(), '\n') <= 1, "--out ", path_.string(),
        " already contains the ", kMetrics,
        " of a run; move it elsewhere or choose another folder");
}

void RunFolder::begin(const Config& config, const Position& position, const fs::path& checkpoint,
                      Log& log) {
  // Rows may be written every few milliseconds, so the check is cached.
  const auto check_held = [this] { lock_.check_held(std::chrono::milliseconds(200)); };
  MetricsFile::Options options{
      .metrics = {}, .run = config.run.id, .warn = warn_, .check_held = check_held};
  for (const Position::Known& known : position.metrics)
    options.metrics.push_back(known.metric.name);
  if (config.run.tensorboard) {
    events_.emplace(in(kEvents), EventFile::Options{.after_step = position.step, .warn = warn_});
    options.events = &*events_;
  }
  const std::string rows = MetricsFile::kept(in(kMetrics), position.step, options);
  log.open(in(kLog));
  if (!sync_folder(path_))
    warn_(concat(path_.string(), ": this file system cannot sync folders to disk; if the machine ",
                 "crashes, the newest checkpoints may be lost"));
  const auto saved = [&log](int64_t step, bool is_best) {
    log.note("saved the checkpoint of step ", step, is_best ? ", the best so far" : "");
  };
  CheckpointStore* copies = copies_ ? &copies_->begin(config, position, checkpoint, log) : nullptr;
  store_.emplace(in(kCheckpoints),
                 CheckpointStore::Options{.keep = static_cast<int>(config.run.keep),
                                          .warn = warn_,
                                          .saved = saved,
                                          .check_held = [this] { lock_.check_held(); },
                                          .copies = copies,
                                          .newest = checkpoint,
                                          .trace = trace_});
  remove_leftovers(path_, is_of_run_folder);
  if (!config.run.from.empty()) store_->set_aside_after(position.step);
  write_config(config);
  if (copies_) copies_->keep(config);
  metrics_.emplace(in(kMetrics), rows, std::move(options));
  begun_ = true;
  folders_.keep();
}

// Writes the file that the next --resume reads. Unchanged content is not rewritten: the disk may be
// full.
void RunFolder::write_config(const Config& config) const {
  const std::string text = to_ini(config);
  if (!fs::exists(in(kConfig)) || read_text_file(in(kConfig)) != text)
    write_text_file(in(kConfig), text);
}

}  // namespace d2l::launcher
