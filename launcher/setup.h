#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/folds.h"
#include "data/loading/loader.h"
#include "framework/base/log.h"
#include "framework/comm/agreement.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/optimizer.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/devices.h"

namespace d2l::launcher {

// The options of a new or resumed run, checked for consistency and against the number of ranks.
// Throws UsageError.
Config checked_config(const CommandLine& line, int ranks);

// What must be equal on all ranks before they work together: the program and all options except
// those that may differ per rank, such as the data's location.
Facts facts_of(const Config& config);

// The objects of a training that the options determine, without the run folder.
struct Setup {
  // `backend`: the machine's or a wrapper of it. Throws Error for data and options that do not
  // match.
  Setup(const Config& config, const Machine& machine, Backend& backend);

  TrainerParts parts(Communicator& comm, Log& log);
  // The facts about data and network that must also be equal on all ranks.
  Facts facts() const;

  // With --fold, both are parts of the training data.
  std::unique_ptr<data::Loader> train_data;
  std::unique_ptr<data::Loader> test_data;          // nullptr: there are none, so no evaluations
  std::string train_fingerprint, test_fingerprint;  // of the datasets; "none" without test data
  std::unique_ptr<nn::Module> model;
  std::string statistics_warning;  // see check_batch_statistics()
  nn::ParameterSet parameters;
  std::unique_ptr<Objective> objective;
  TrainerOptions options;
  std::optional<Shards> shards;  // of the optimizer
  std::unique_ptr<Optimizer> optimizer;

 private:
  Setup(const Config& config, const Machine& machine, Backend& backend, const data::Fold& data);
};

// One line about network, data, ranks, threads and device.
std::string description(const Config& config, const Setup& setup, const Machine& machine,
                        const Backend& backend);

// Warnings about settings of this rank that work, but probably not as intended; one line each.
std::string warnings(const Config& config, const Machine& machine, const Setup& setup);

}  // namespace d2l::launcher
