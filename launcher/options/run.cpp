#include "launcher/options/run.h"

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

// Where the run is, and from where it continues.
void add_folders(OptionGroup<RunConfig>& group) {
  using enum ResumeRule;
  group
      .add("out", "DIR", &RunConfig::out, not_kept,
           "folder for the metrics, the log and the checkpoints of the run. Without "
           "--resume auto it must not contain a run yet (default: runs/RECIPE or runs/MODEL; with "
           "--fold I, fold-I in this folder)")
      .path()
      .not_with("time");
  group
      .add("resume", "DIR", &RunConfig::resume, not_kept,
           "continue the run in DIR from its newest valid checkpoint, with the options that are "
           "stored there. Options that you give replace the stored ones. auto: continue the run "
           "in --out if there is one, or else begin it")
      .path()
      .not_with("time");
  group
      .add("from", "STEP", &RunConfig::from, not_kept,
           "with --resume: continue from an earlier checkpoint. STEP is the number of its step, or "
           "the path of its file. Later checkpoints of the run are moved to checkpoints/superseded")
      .path()
      .not_with("time");
  group
      .add("verify-resume", "N", &RunConfig::verify_resume, not_kept,
           "with --resume: first repeat at least N steps from an earlier checkpoint up to the one "
           "from which the run continues, and compare the states. If they are not equal bit for "
           "bit, the job ends with exit code 1 and changes nothing. 0: off")
      .up_to(kMostCounted)
      .not_with("time");
}

void add_copies(OptionGroup<RunConfig>& group) {
  using enum ResumeRule;
  group
      .add("also-save-to", "DIR", &RunConfig::also_save_to, may_change,
           "also save a copy of each checkpoint to this folder, for example on a disk of the host "
           "of rank 0. It belongs to this run only, and --resume DIR can continue the run from it. "
           "A failure there is only a warning. --resume uses the newest checkpoint of both places")
      .path()
      .may_be_empty()
      .not_with("time");
}

// What is written beside the checkpoints.
void add_records(OptionGroup<RunConfig>& group) {
  using enum ResumeRule;
  group
      .add("log-every", "N", &RunConfig::log_every, may_change,
           "steps between lines in log.txt and training lines in metrics.csv; 0: none")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("tensorboard", &RunConfig::tensorboard, may_change,
           "also write the numbers of metrics.csv in the format of TensorBoard, into the folder "
           "tensorboard of the run")
      .not_with("time");
  group
      .add("trace", "FILE", &RunConfig::trace, not_kept,
           "record what each rank does and when, for a timeline: at the end of the job, write it "
           "to FILE as a Chrome trace, which ui.perfetto.dev shows. After an error, each rank "
           "writes what it has to a file of its own: for trace.json, rank 3 to trace.rank3.json")
      .path()
      .not_with("time");
}

}  // namespace

std::vector<Option> run_options() {
  using enum ResumeRule;
  OptionGroup group("Run folder", &Config::run);
  add_folders(group);
  group
      .add("save-every", "N", &RunConfig::save_every, may_change,
           "steps between checkpoints; 0: at the end of each epoch")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("keep", "N", &RunConfig::keep, may_change,
           "how many of the newest checkpoints to keep; best.h5, the best one, is kept in addition")
      .from(1)
      .up_to(1e6)
      .not_with("time");
  add_copies(group);
  group
      .add("eval-every", "N", &RunConfig::eval_every, may_change,
           "steps between evaluations; 0: at the end of each epoch")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("best", "METRIC", &RunConfig::best, fixed_by_state,
           "which result on the test data decides which checkpoint becomes best.h5: loss or a "
           "metric, as named in metrics.csv without test_: accuracy, top5 (20 classes or more), "
           "rmse, mae, log_rmse (default: accuracy, or rmse if the targets are numbers)")
      .may_be_empty()
      .not_with("time");
  add_records(group);
  group
      .add(
          "max-time", "TIME", &RunConfig::max_time, may_change,
          "stop after this time since the start of the job, as after a signal: save, and exit with "
          "code 75. TIME: 90s, 30m, 1.5h, 2d or [DAYS-]HH:MM:SS; 0: no limit")
      .not_with("time");
  group.add("run-id", "ID", &RunConfig::id, fixed_in_run, "distinguishes the run from others")
      .no_flag();
  return group.options();
}

void check_run_options(const Config& config, const Given& /*given*/) {
  if (config.run.verify_resume > 0 && config.run.resume.empty())
    usage("--verify-resume ", config.run.verify_resume, " has no effect without --resume");
  if (config.run.verify_resume > 0 && config.cross_validation.has_all_folds())
    usage("--verify-resume expects a single run, found --kfold ", config.cross_validation.folds,
          ": name the run folder of a fold, such as ", config.run.resume, "/fold-1");
  if (!config.run.trace.empty() && config.cross_validation.has_all_folds())
    usage("--trace expects a single run, found --kfold ", config.cross_validation.folds,
          ": choose a fold with --fold");
  if (!config.run.from.empty() && config.run.resume.empty())
    usage("--from ", config.run.from, " has no effect without --resume");
}

}  // namespace d2l::launcher
