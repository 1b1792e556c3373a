#include "launcher/last_state.h"

#include "framework/base/error.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/peer_watch.h"
#include "launcher/run_folder.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// mpirun leaves the living ranks about two seconds.
constexpr double kSecondsForEach = 0.4;

// How many living ranks of the group are below this one.
int living_below(const RankGroup& group) {
  int count = 0;
  for (int rank = group.first_rank(); rank < group.first_rank() + group.rank(); ++rank)
    if (!group.peers()->is_lost(rank)) ++count;
  return count;
}

}  // namespace

std::string leave_last_state(const fs::path& checkpoints, int64_t step, const Snapshot& state,
                             const RankGroup& group) {
  const fs::path path = CheckpointStore::path_of(checkpoints, step);
  try {
    if (!appears(path, kSecondsForEach * living_below(group))) write_checkpoint(path, state);
    return "its state is saved in " + path.string();
  } catch (const Error& error) {
    return concat("its state could not be saved: ", error.what());
  }
}

}  // namespace d2l::launcher
