#include "launcher/options/schedule.h"

#include <initializer_list>

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

using Kind = Schedule::Kind;
constexpr std::initializer_list<Kind> kInSteps = {Kind::step, Kind::multistep};
constexpr std::initializer_list<Kind> kInACurve = {Kind::polynomial, Kind::cosine};

}  // namespace

template <>
const WordTable<Kind>& words_of() {
  static const WordTable<Kind> kWords = {{Kind::constant, "constant"},
                                         {Kind::step, "step"},
                                         {Kind::multistep, "multistep"},
                                         {Kind::polynomial, "polynomial"},
                                         {Kind::cosine, "cosine"}};
  return kWords;
}

std::vector<Option> schedule_options() {
  using enum ResumeRule;
  OptionGroup group(
      "Learning-rate schedule (LENGTH: epochs, such as 5 or 0.5, or steps, such as 500steps)",
      &Config::schedule);
  group.add("schedule", &ScheduleConfig::kind, may_change,
            "how the learning rate changes over time; polynomial and cosine reach --final-lr at "
            "the end of the last epoch (--epochs)");
  group.add(
      "warmup", "LENGTH", &ScheduleConfig::warmup, may_change,
      "length of the warm-up, in which the learning rate rises linearly to --lr. polynomial and "
      "cosine start after the warm-up; step and multistep count from the first step of the run");
  group
      .add("warmup-start", "X", &ScheduleConfig::warmup_start, may_change,
           "learning rate at the start of the warm-up")
      .from(0);
  group
      .add("step-every", "LENGTH", &ScheduleConfig::step_every, may_change,
           "with --schedule step: multiply the learning rate by --gamma after every LENGTH, "
           "counted from the first step of the run, warm-up included")
      .only_with("schedule", {Kind::step});
  group
      .add("milestones", "LENGTH,...", &ScheduleConfig::milestones, may_change,
           "with --schedule multistep: multiply the learning rate by --gamma at each of these "
           "times, counted from the first step of the run, warm-up included")
      .only_with("schedule", {Kind::multistep});
  group
      .add("gamma", "X", &ScheduleConfig::gamma, may_change,
           "factor of --schedule step and multistep")
      .above(0)
      .up_to(1)
      .only_with("schedule", kInSteps);
  group.add("power", "X", &ScheduleConfig::power, may_change, "exponent of --schedule polynomial")
      .above(0)
      .only_with("schedule", {Kind::polynomial});
  group
      .add("final-lr", "X", &ScheduleConfig::final_lr, may_change,
           "learning rate at the end of --schedule polynomial and cosine")
      .from(0)
      .only_with("schedule", kInACurve);
  return group.options();
}

void check_schedule(const Config& config, const Given& /*given*/) {
  const ScheduleConfig& schedule = config.schedule;
  const double lr = config.optimizer.lr;
  if (schedule.warmup.number == 0 && schedule.warmup_start != 0)
    usage("--warmup-start has no effect without --warmup");
  if (schedule.warmup_start > lr)
    usage("--warmup-start expects at most --lr ", lr, ", found ", schedule.warmup_start);
  if (schedule.final_lr > lr)
    usage("--final-lr expects at most --lr ", lr, ", found ", schedule.final_lr);
  if (schedule.kind == Kind::step) {
    if (!schedule.step_every) usage("--schedule step expects --step-every, found none");
    if (schedule.step_every->number == 0)
      usage("--step-every expects a time above 0, found '", schedule.step_every->text, "'");
  }
  if (schedule.kind == Kind::multistep && schedule.milestones.empty())
    usage("--schedule multistep expects --milestones, found none");
}

}  // namespace d2l::launcher
