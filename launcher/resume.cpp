#include "launcher/resume.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/comm/agreement.h"
#include "launcher/run_folder.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// In the middle of an epoch the rest of it must be what it would have been.
void check_same_epoch(const Config& config, const Config& before, const fs::path& checkpoint) {
  auto check_same = [&](const char* flag, const auto& old_value, const auto& value) {
    if (old_value == value) return;
    throw UsageError(concat(flag, " may change between epochs only: ", checkpoint.string(),
                            " stands inside one of ", flag, " ", old_value, ", found ", value));
  };
  check_same("--batch-size", before.batch_size, config.batch_size);
  check_same("--last-batch", before.last_batch, config.last_batch);
  check_same("--seed", before.seed, config.seed);
  check_same("--resize", before.resize, config.resize);
  check_same("--flip", before.flip, config.flip);
  check_same("--crop-padding", before.crop_padding, config.crop_padding);
  check_same("--normalize", before.normalize, config.normalize);
}

// The files may lie elsewhere than before. Checkpoints of older versions say nothing of what is in
// them; there the data set's name has to do.
void check_same_data(const CheckpointStore::Found& found, const std::string& data, bool same_name) {
  const auto before = found.snapshot.texts.find("data");
  const bool known = before != found.snapshot.texts.end();
  if (known ? before->second == data : same_name) return;
  throw UsageError(concat("--data may change between epochs only: ", found.path.string(),
                          " stands inside one of ", known ? before->second : "other data",
                          ", found ", data));
}

// The file that --from names.
fs::path named_checkpoint(const Config& config, const fs::path& folder) {
  const bool is_step = config.from.find_first_not_of("0123456789") == std::string::npos;
  if (!is_step) return config.from;
  std::vector<std::string> there;
  for (const int64_t step : CheckpointStore::steps(folder)) {
    if (std::to_string(step) == config.from) return CheckpointStore::path_of(folder, step);
    there.push_back(std::to_string(step));
  }
  throw UsageError(concat("--from ", config.from, ": expected a step with a checkpoint in ",
                          folder.string(), ", found ",
                          there.empty() ? "none there" : "those of " + join(there, ", ")));
}

// What an optimizer remembers is of use to no other, and a network's weights to no other network.
void check_same_state(const Config& config, const Config& before, const fs::path& checkpoint) {
  const auto check_same = [&](const char* flag, const auto& old_value, const auto& value) {
    if (old_value == value) return;
    throw UsageError(concat(flag, " may not change in a run: ", checkpoint.string(), " is of ",
                            flag, " ", old_value, ", found ", value));
  };
  check_same("--model", before.model, config.model);
  check_same("--width", before.width, config.width);
  if ((before.ema > 0) != (config.ema > 0))
    throw UsageError(
        concat("--ema may not change between 0 and more in a run: ", checkpoint.string(),
               " stands at ", before.ema, ", found ", config.ema));
  if (before.optimizer != config.optimizer)
    throw UsageError(concat("--optimizer may not change in a run: ", checkpoint.string(),
                            " holds the state of ", before.optimizer, ", found ",
                            config.optimizer));
  const bool moves = config.optimizer == "sgd" || config.optimizer == "lars";
  if (moves && (before.momentum > 0) != (config.momentum > 0))
    throw UsageError(
        concat("--momentum may not change between 0 and more in a run: ", checkpoint.string(),
               " stands at ", before.momentum, ", found ", config.momentum));
}

}  // namespace

Config effective_config(const CommandLine& line) {
  if (line.config.resume.empty()) return line.config;
  fs::path run = line.config.resume;
  fs::path file = run / "config.ini";
  check(fs::exists(file), "--resume ", run.string(),
        ": expected a run folder with config.ini, found ",
        fs::is_directory(run) ? "none in it"
        : fs::exists(run)     ? "a file"
                              : "no such folder");
  Config config = config_for_resume(line, read_text_file(file), file.string());
  std::error_code ignored;
  if (line.given.count("out") && !fs::equivalent(run, line.config.out, ignored))
    throw UsageError(concat("--resume ", run.string(), " goes on in its own folder, found --out ",
                            line.config.out, " too"));
  config.out = run.string();
  return config;
}

std::optional<CheckpointStore::Found> find_checkpoint(const Config& config, Communicator& comm,
                                                      Log& log) {
  if (config.resume.empty()) return std::nullopt;
  fs::path folder = fs::path(config.out) / "checkpoints";
  if (!config.from.empty()) {
    const fs::path path = named_checkpoint(config, folder);
    CheckpointStore::Found found = CheckpointStore::read(path);
    check_run(found, config);
    return found;
  }
  std::optional<CheckpointStore::Found> found;
  if (comm.rank() == 0) {
    found = CheckpointStore::newest_valid(
        folder, [&](const std::string& line) { log.warn(line); },
        [&](const CheckpointStore::Found& candidate) { check_run(candidate, config); });
    check(found || CheckpointStore::steps(folder).empty(), "--resume ", config.resume,
          ": expected a valid checkpoint of this run in ", folder.string(),
          ", found only damaged or other ones");
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
  auto step = found.snapshot.integers.find("progress/step_in_epoch");
  const auto text = found.snapshot.texts.find("config");
  check(text != found.snapshot.texts.end(), found.path.string(),
        ": expected a checkpoint of d2l-train, found one without its options");
  const Config before = from_ini(text->second, found.path.string());
  check_same_state(config, before, found.path);
  if (step != found.snapshot.integers.end() && step->second > 0) {
    check_same_epoch(config, before, found.path);
    check_same_data(found, data, before.data == config.data);
  }
  trainer.restore(found.snapshot, found.path.string());
}

void check_states_agree(Trainer& trainer, Communicator& comm, const std::string& host) {
  if (comm.size() == 1) return;  // without reading through its state
  const char* name = trainer.state().position.step > 0 ? "the state that was read"
                                                       : "the checksum of the initial values";
  check_agreement({{name, checksum_text(trainer.state().checksum())}}, comm, host);
}

void log_start(const Config& config, Trainer& trainer,
               const std::optional<CheckpointStore::Found>& found, Log& log) {
  if (!config.resume.empty())
    log.info("going on after step ", trainer.state().position.step,
             found ? " from " : ": no checkpoint in ", found ? found->path.string() : config.out);
  if (trainer.finished())
    log.info("nothing is left to do; --epochs and --max-steps say how far a run goes");
}

}  // namespace d2l::launcher
