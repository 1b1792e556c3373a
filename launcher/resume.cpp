#include "launcher/resume.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/files.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "framework/comm/agreement.h"
#include "launcher/copy_folder.h"
#include "launcher/options/options.h"
#include "launcher/run_folder.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {

namespace fs = std::filesystem;

fs::path named_checkpoint(const std::string& from, const fs::path& folder) {
  const bool is_step = from.find_first_not_of("0123456789") == std::string::npos;
  if (!is_step) return from;
  std::vector<std::string> there;
  for (const int64_t step : CheckpointStore::steps(folder)) {
    if (std::to_string(step) == from) return CheckpointStore::path_of(folder, step);
    there.push_back(std::to_string(step));
  }
  throw UsageError(concat("--from ", from, ": expected a step with a checkpoint in ",
                          folder.string(), ", found ",
                          there.empty() ? "none" : "those of steps " + join(there, ", ")));
}

namespace {

// The other rules of a resume need a checkpoint, which a folder of folds does not have.
void check_folds_kept(const CommandLine& line, const Config& before, const Config& now) {
  for (const char* name : {"kfold", "fold", "kfold-shuffle"}) {
    const Option& option = option_named(name);
    if (line.given.count(name) == 0 || option.member->same(before, now)) continue;
    throw UsageError(concat(
        "--", name, " cannot change within a run: --resume ", line.config.run.resume, " has --",
        name, " ", option.member->text(before), ", found ", option.member->text(now),
        before.cross_validation.has_all_folds() && std::string("fold") == name
            ? concat("; each fold has a run folder of its own, ", line.config.run.resume, "/fold-",
                     now.cross_validation.fold)
            : ""));
  }
}

}  // namespace

CommandLine with_known_run(CommandLine line) {
  RunConfig& run = line.config.run;
  if (run.resume != "auto") return line;
  const std::string folder = run.out.empty() ? default_folder(line.config) : run.out;
  const fs::path file = fs::path(folder) / "config.ini";
  std::error_code ignored;
  run.resume = fs::exists(file, ignored) ? folder : "";
  if (run.resume.empty() || line.given.erase("weights") == 0) return line;
  const std::string before = from_ini(read_text_file(file), file.string()).model.weights,
                    now = absolute_path(line.config.model.weights);
  if (before != now)
    throw UsageError(concat("--resume auto: the run in ", folder, " began ",
                            before.empty() ? "without --weights" : "with --weights " + before,
                            ", found --weights ", now));
  return line;
}

Config effective_config(const CommandLine& line) {
  if (line.config.run.resume.empty()) return line.config;
  fs::path run = line.config.run.resume;
  fs::path file = run / "config.ini";
  check(fs::exists(file), "--resume ", run.string(),
        ": expected a run folder with config.ini, found ",
        fs::is_directory(run) ? "none in it"
        : fs::exists(run)     ? "a file"
                              : "no such folder");
  const std::string stored = read_text_file(file);
  Config config = config_for_resume(line, stored, file.string());
  std::error_code ignored;
  if (line.given.count("out") && !fs::equivalent(run, line.config.run.out, ignored))
    throw UsageError(concat("--resume ", run.string(),
                            " continues in the same folder: expected no --out, found --out ",
                            line.config.run.out));
  config.run.out = run.string();
  check_folds_kept(line, from_ini(stored, file.string()), config);
  return config;
}

ResumePoint resume_point(const CheckpointStore::Found& found) {
  const Snapshot& snapshot = found.snapshot;
  const auto config = snapshot.texts.find("config"), data = snapshot.texts.find("data");
  check(config != snapshot.texts.end(), found.path.string(),
        ": expected a checkpoint of d2l-train, found one without options");
  const auto step = snapshot.integers.find("progress/step_in_epoch");
  return {.config = from_ini(config->second, found.path.string()),
          .data = data == snapshot.texts.end() ? "" : data->second,
          .inside_epoch = step != snapshot.integers.end() && step->second > 0,
          .checkpoint = found.path.string()};
}

std::optional<CheckpointStore::Found> find_checkpoint(const Config& config, Communicator& comm,
                                                      Log& log) {
  if (config.run.resume.empty()) return std::nullopt;
  fs::path folder = fs::path(config.run.out) / "checkpoints";
  if (!config.run.from.empty()) {
    const fs::path path = named_checkpoint(config.run.from, folder);
    CheckpointStore::Found found = CheckpointStore::read(path);
    check_run(found, config);
    return found;
  }
  std::optional<CheckpointStore::Found> found;
  if (comm.rank() == 0) {
    found = newest_of_both(config, log);
    check(found || CheckpointStore::steps(folder).empty(), "--resume ", config.run.resume,
          ": expected a valid checkpoint of this run in ", folder.string(),
          ", found only damaged ones or ones of other runs");
  }
  std::string name = found ? found->path.filename().string() : "";
  char buffer[64] = {};
  std::copy_n(name.begin(), std::min(name.size(), sizeof buffer - 1), buffer);
  comm.broadcast({buffer, DType::u8, Shape{sizeof buffer}}, 0);
  if (buffer[0] == '\0') return std::nullopt;
  if (comm.rank() != 0) found = CheckpointStore::read(folder / buffer);
  return found;
}

void restore(Trainer& trainer, const CheckpointStore::Found& found, const Config& config,
             const std::string& data) {
  check_resume(resume_point(found), config, data);
  trainer.restore(found.snapshot, found.path.string());
}

void check_states_agree(Trainer& trainer, Communicator& comm, const std::string& host) {
  if (comm.size() == 1) return;  // saves computing the checksum
  const char* name = trainer.state().position.step > 0 ? "the state that was read"
                                                       : "the checksum of the initial values";
  check_agreement({{name, checksum_text(trainer.state().checksum())}}, comm, host);
}

void log_start(const Config& config, Trainer& trainer,
               const std::optional<CheckpointStore::Found>& found, Log& log) {
  if (!config.run.resume.empty())
    log.info("continuing after step ", trainer.state().position.step,
             found ? " from " : ": no checkpoint in ",
             found ? found->path.string() : config.run.out);
  if (trainer.ended_early())
    log.info("nothing left to do: the run has ended early: ", trainer.reason_for_early_end(),
             "; a larger --patience continues it");
  else if (trainer.finished())
    log.info("nothing left to do: the run has reached --epochs or --max-steps");
}

}  // namespace d2l::launcher
