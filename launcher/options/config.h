#pragma once

#include "launcher/options/augmentation.h"
#include "launcher/options/cross_validation.h"
#include "launcher/options/data.h"
#include "launcher/options/images.h"
#include "launcher/options/machine.h"
#include "launcher/options/model.h"
#include "launcher/options/optimizer.h"
#include "launcher/options/plan.h"
#include "launcher/options/program.h"
#include "launcher/options/regularisation.h"
#include "launcher/options/run.h"
#include "launcher/options/schedule.h"
#include "launcher/options/training.h"

namespace d2l::launcher {

// All options of a training run, in the groups of --help. Each group's file declares the options
// that set its members; flags, --help, config files and the copy in a checkpoint are derived from
// these declarations.
struct Config {
  ModelConfig model;
  DataConfig data;
  CrossValidationConfig cross_validation;
  ImageConfig images;
  AugmentationConfig augmentation;
  TrainingConfig training;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  RegularisationConfig regularisation;
  RunConfig run;
  MachineConfig machine;
  PlanConfig plan;
  ProgramConfig program;

  bool operator==(const Config&) const = default;
};

}  // namespace d2l::launcher
