#pragma once

#include <memory>
#include <string>

#include "data/loader.h"
#include "framework/base/log.h"
#include "framework/comm/agreement.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/optimizer.h"
#include "framework/train/objectives/classification.h"
#include "framework/train/trainer.h"
#include "launcher/command_line.h"
#include "launcher/devices.h"

namespace d2l::launcher {

// The options of a new or resumed run, checked against each other and against the number of ranks.
// Throws UsageError.
Config checked_config(const CommandLine& line, int ranks);

// What all ranks have to have in common before they work together: the program and all options but
// where each of them finds its data.
Facts facts_of(const Config& config);

// What a training works with and what the options decide, without a place to write to.
struct Setup {
  // `backend` computes; it is the machine's or stands in front of it. Throws Error for data and
  // options that do not fit each other.
  Setup(const Config& config, const Machine& machine, Backend& backend);

  TrainerParts parts(Communicator& comm, Log& log);
  // The data and the network, which all ranks have to have in common too.
  Facts facts() const;

  std::unique_ptr<data::Loader> train_data, test_data;
  std::string train_fingerprint, test_fingerprint;  // of the data sets
  std::unique_ptr<nn::Module> model;
  std::string statistics_warning;  // see check_batch_statistics()
  nn::ParameterSet parameters;
  std::unique_ptr<Objective> objective;
  TrainerOptions options;
  std::unique_ptr<Optimizer> optimizer;
};

// The line that names network, data, ranks, threads and device.
std::string description(const Config& config, const Setup& setup, const Machine& machine,
                        const Backend& backend);

// What works on this rank, but hardly as it was meant: a line each.
std::string warnings(const Config& config, const Machine& machine, const Setup& setup);

}  // namespace d2l::launcher
