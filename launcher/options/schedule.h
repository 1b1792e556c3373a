#pragma once

#include <optional>
#include <vector>

#include "framework/optim/schedule.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

template <>
const WordTable<Schedule::Kind>& words_of();

struct ScheduleConfig {
  Schedule::Kind kind = Schedule::Kind::constant;
  Duration warmup;
  double warmup_start = 0;
  std::optional<Duration> step_every;
  std::vector<Duration> milestones;
  double gamma = 0.1;
  double power = 2;
  double final_lr = 0;

  bool operator==(const ScheduleConfig&) const = default;
};

std::vector<Option> schedule_options();
void check_schedule(const Config& config, const Given& given);

}  // namespace d2l::launcher
