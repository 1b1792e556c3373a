#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "framework/checkpoint/snapshot.h"
#include "framework/comm/rank_group.h"

namespace d2l::launcher {

// For a job that has lost a rank: every living rank of the group calls this with the state of its
// last finished step, before the job is ended. The lowest one writes the checkpoint; the others
// return when it is there, or write it themselves if that takes too long. Returns a text for the
// error message: "its state is saved in PATH".
std::string leave_last_state(const std::filesystem::path& checkpoints, int64_t step,
                             const Snapshot& state, const RankGroup& group);

}  // namespace d2l::launcher
