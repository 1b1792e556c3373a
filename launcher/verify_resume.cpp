#include "launcher/verify_resume.h"

#include <algorithm>
#include <filesystem>

#include "framework/base/text.h"
#include "launcher/resume.h"
#include "launcher/run_folder.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostShown = 10;  // differences
constexpr int64_t kNone = -1;

int64_t step_of(const CheckpointStore::Found& found) {
  return found.snapshot.integers.at("progress/step");  // check_run() has seen it
}

constexpr int kFailure = 1, kUsage = 2;  // exit codes

// The newest valid checkpoint of the run up to step `last`.
int64_t newest_until(int64_t last, const Config& config, const fs::path& folder, Log& log) {
  const std::vector<int64_t> steps = CheckpointStore::steps(folder);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (*step > last) continue;
    try {
      check_run(CheckpointStore::read(CheckpointStore::path_of(folder, *step)), config);
      return *step;
    } catch (const Error& error) {
      log.warn(concat(error.what(), "; skipped"));
    }
  }
  return kNone;
}

std::string text_of_steps(const fs::path& folder) {
  std::vector<std::string> steps;
  for (const int64_t step : CheckpointStore::steps(folder)) steps.push_back(std::to_string(step));
  return steps.empty() ? "none" : "those of steps " + join(steps, ", ");
}

// Rank 0 chooses. Collective.
CheckpointStore::Found find_earlier(const Config& config, int64_t target, Communicator& comm,
                                    Log& log) {
  const int64_t steps = config.run.verify_resume;
  const fs::path folder = fs::path(config.run.out) / "checkpoints";
  int64_t chosen = comm.rank() == 0 ? newest_until(target - steps, config, folder, log) : kNone;
  comm.broadcast({&chosen, DType::i64, Shape{1}}, 0);
  if (chosen == kNone)
    throw JobError(concat("--verify-resume ", steps, " expects a valid checkpoint at least ", steps,
                          steps == 1 ? " step" : " steps", " before step ", target, " in ",
                          folder.string(), ", found ", text_of_steps(folder)),
                   kUsage);
  return CheckpointStore::read(CheckpointStore::path_of(folder, chosen));
}

// Collective. Returns how many pieces of the state differ from the target, of which rank 0 names
// the first ones.
int64_t count_differences(Trainer& trainer, const Snapshot& target, Communicator& comm, Log& log) {
  const std::optional<Snapshot> found = trainer.state().snapshot(comm);
  std::vector<std::string> differences;
  if (found) differences = diff_snapshots(*found, target);
  for (size_t i = 0; i < std::min(kMostShown, differences.size()); ++i) log.warn(differences[i]);
  int64_t count = std::ssize(differences);
  comm.broadcast({&count, DType::i64, Shape{1}}, 0);
  return count;
}

}  // namespace

std::string verify_resume(const Config& config, Setup& setup,
                          const std::optional<CheckpointStore::Found>& target, Communicator& comm,
                          Log& log) {
  if (!target)
    throw JobError(concat("--verify-resume ", config.run.verify_resume,
                          " expects a run with checkpoints, found none in ", config.run.out),
                   kUsage);
  const int64_t end = step_of(*target);
  const CheckpointStore::Found earlier = find_earlier(config, end, comm, log);
  const int64_t begin = step_of(earlier);
  log.info("verifying the resume: repeats steps ", begin + 1, " to ", end, " from ",
           earlier.path.string());
  Log quiet(true);
  Trainer trainer(setup.parts(comm, quiet), setup.options);
  restore(trainer, earlier, config, setup.train_fingerprint);
  trainer.repeat_until(target->snapshot);
  const int64_t differences = count_differences(trainer, target->snapshot, comm, log);
  const std::string steps = concat("steps ", begin + 1, " to ", end);
  if (differences > 0)
    throw JobError(concat("--verify-resume: repeating ", steps, " leads to another state than ",
                          target->path.string(), ": ", differences,
                          differences == 1 ? " piece of it differs" : " pieces of it differ"),
                   kFailure);
  return concat("the resume is exact: repeating ", steps, " leads to the same bits as those in ",
                target->path.string());
}

}  // namespace d2l::launcher
