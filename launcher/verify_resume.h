#pragma once

#include <optional>
#include <string>

#include "framework/base/log.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/communicator.h"
#include "launcher/setup.h"

namespace d2l::launcher {

// --verify-resume: repeats the steps from an earlier checkpoint of the run up to `target`, compares
// the states, and returns a line that they are equal. The earlier one is the newest valid one at
// least config.run.verify_resume steps before. Collective. Throws JobError on all ranks if there is
// none, and if the states differ; the first differences are warnings. Writes no files, but changes
// the state of `setup`.
std::string verify_resume(const Config& config, Setup& setup,
                          const std::optional<CheckpointStore::Found>& target, Communicator& comm,
                          Log& log);

}  // namespace d2l::launcher
