#pragma once

#include <optional>

#include "framework/base/log.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/communicator.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/options/resume_rules.h"

namespace d2l::launcher {

// The options of the run: those of the command line, or where it resumes a run, what that run
// stored with the command line on top. Throws Error for a --resume that is no run folder.
Config effective_config(const CommandLine& line);

// The checkpoint that all ranks go on from: what --from names, or else the newest valid one, which
// rank 0 chooses with a warning for each damaged one. All read the same file. Nothing for a new
// run, or where there is none yet. Every rank makes this call. Throws Error when all are damaged
// and where --from names none that is valid.
std::optional<CheckpointStore::Found> find_checkpoint(const Config& config, Communicator& comm,
                                                      Log& log);

// Where the run stands in this checkpoint, by what d2l-train has stored in it: its options, and in
// versions that do it the fingerprint of the training data. Throws Error where it is none of
// d2l-train.
ResumePoint resume_point(const CheckpointStore::Found& found);

// Gives the trainer the checkpoint's state. `data` is the training data's fingerprint. Throws
// UsageError for an option that may not change in a run, or not inside an epoch, and Error for a
// checkpoint that does not fit.
void restore(Trainer& trainer, const CheckpointStore::Found& found, const Config& config,
             const std::string& data);

// Throws JobError unless all ranks have the same state. Every rank makes this call.
void check_states_agree(Trainer& trainer, Communicator& comm, const std::string& host);

// Logs after which step a resumed run goes on, and from which checkpoint, and where nothing is left
// to do.
void log_start(const Config& config, Trainer& trainer,
               const std::optional<CheckpointStore::Found>& found, Log& log);

}  // namespace d2l::launcher
