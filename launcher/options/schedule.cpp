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
  OptionGroup group("Schedule (a LENGTH is in epochs, as 5 or 0.5, or as 500steps)",
                    &Config::schedule);
  group.add("schedule", &ScheduleConfig::kind, may_change,
            "how the learning rate changes; polynomial and cosine reach --final-lr when --epochs "
            "are over");
  group.add("warmup", "LENGTH", &ScheduleConfig::warmup, may_change,
            "the learning rate rises to --lr in a line for so long; polynomial and cosine begin "
            "when it is over, step and multistep count from the first step of the run");
  group
      .add("warmup-start", "X", &ScheduleConfig::warmup_start, may_change,
           "the learning rate that it rises from")
      .from(0);
  group
      .add("step-every", "LENGTH", &ScheduleConfig::step_every, may_change,
           "--schedule step falls by gamma so often, counted from the first step of the run, also "
           "while --warmup lasts")
      .only_with("schedule", {Kind::step});
  group
      .add("milestones", "LENGTH,...", &ScheduleConfig::milestones, may_change,
           "--schedule multistep falls by gamma at each, counted from the first step of the run, "
           "also while --warmup lasts")
      .only_with("schedule", {Kind::multistep});
  group.add("gamma", "X", &ScheduleConfig::gamma, may_change, "the factor of step and multistep")
      .above(0)
      .up_to(1)
      .only_with("schedule", kInSteps);
  group.add("power", "X", &ScheduleConfig::power, may_change, "the exponent of polynomial")
      .above(0)
      .only_with("schedule", {Kind::polynomial});
  group
      .add("final-lr", "X", &ScheduleConfig::final_lr, may_change,
           "the learning rate at the end of polynomial and cosine")
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
