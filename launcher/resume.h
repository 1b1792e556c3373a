#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "framework/base/log.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/communicator.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/options/resume_rules.h"

namespace d2l::launcher {

// --resume auto becomes --resume OUT if that folder contains a run, or else is removed. Other
// command lines stay as they are. Throws UsageError if that run began with other --weights.
CommandLine with_known_run(CommandLine line);

// The options of the run: those of the command line or, with --resume, the stored ones overridden
// by the command line. Throws Error if --resume does not name a run folder.
Config effective_config(const CommandLine& line);

// The file that --from names, for a run with this folder of checkpoints: the checkpoint of a step,
// or a path. Throws UsageError, with the steps that there are, for another step.
std::filesystem::path named_checkpoint(const std::string& from,
                                       const std::filesystem::path& folder);

// The checkpoint from which all ranks resume: the one that --from names, or else the newest valid
// one, which rank 0 chooses with a warning for each damaged one. All ranks read the same file.
// Nothing for a new run or if there is no checkpoint yet. Collective. Throws Error if all are
// damaged or if --from does not name a valid one.
std::optional<CheckpointStore::Found> find_checkpoint(const Config& config, Communicator& comm,
                                                      Log& log);

// The run's position in this checkpoint, with the stored options and, except from old versions, the
// fingerprint of the training data. Throws Error if it is not a checkpoint of d2l-train.
ResumePoint resume_point(const CheckpointStore::Found& found);

// Loads the checkpoint's state into the trainer. `data`: the training data's fingerprint. Throws
// UsageError for an option that may not change in a run or within an epoch, and Error for a
// checkpoint that does not fit.
void restore(Trainer& trainer, const CheckpointStore::Found& found, const Config& config,
             const std::string& data);

// Throws JobError unless all ranks have the same state. Collective.
void check_states_agree(Trainer& trainer, Communicator& comm, const std::string& host);

// Logs the step and the checkpoint from which a resumed run continues, and whether nothing is left
// to do.
void log_start(const Config& config, Trainer& trainer,
               const std::optional<CheckpointStore::Found>& found, Log& log);

}  // namespace d2l::launcher
