#include "launcher/options/run.h"

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

std::vector<Option> run_options() {
  using enum ResumeRule;
  OptionGroup group("Run folder", &Config::run);
  group
      .add("out", "DIR", &RunConfig::out, not_kept,
           "run folder, for metrics, log and checkpoints. It must not contain a run yet (default: "
           "runs/RECIPE or runs/MODEL)")
      .path()
      .not_with("time");
  group
      .add("resume", "DIR", &RunConfig::resume, not_kept,
           "continue the run in DIR from its newest valid checkpoint. The run's options are used "
           "again; options that are given replace them")
      .path()
      .not_with("time");
  group
      .add("from", "STEP", &RunConfig::from, not_kept,
           "with --resume: continue from the checkpoint of this step, or from this checkpoint "
           "file. Later checkpoints of the run are moved to checkpoints/superseded")
      .path()
      .not_with("time");
  group
      .add("save-every", "N", &RunConfig::save_every, may_change,
           "steps between checkpoints; 0: at the end of each epoch")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("keep", "N", &RunConfig::keep, may_change,
           "number of newest checkpoints to keep; the best one, best.h5, is kept in addition")
      .from(1)
      .up_to(1e6)
      .not_with("time");
  group
      .add("eval-every", "N", &RunConfig::eval_every, may_change,
           "steps between evaluations; 0: at the end of each epoch")
      .up_to(kMostCounted)
      .not_with("time");
  group.add("log-every", "N", &RunConfig::log_every, may_change, "steps between log lines; 0: none")
      .up_to(kMostCounted)
      .not_with("time");
  group.add("run-id", "ID", &RunConfig::id, fixed_in_run, "tells the run from others").no_flag();
  return group.options();
}

void check_run_options(const Config& config, const Given& /*given*/) {
  if (!config.run.from.empty() && config.run.resume.empty())
    usage("--from ", config.run.from, " has no effect without --resume");
}

}  // namespace d2l::launcher
