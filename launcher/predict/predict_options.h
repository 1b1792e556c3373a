#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "launcher/options/machine.h"

namespace d2l::predict {

// What the user of d2l-predict wants.
struct PredictOptions {
  std::string run;                  // a run folder or a checkpoint
  std::vector<std::string> images;  // files, folders, shards or the name of a dataset
  std::string from;            // the checkpoint of a run folder: a step or a file; "": the best
  std::string data;            // the training data, for checkpoints that do not describe them
  std::string data_dir = ".";  // of datasets with a name
  std::optional<data::Split> split = {};  // of a dataset; none: test
  std::optional<int64_t> top = {};        // classes per image; none: 5, or all if there are fewer
  int64_t batch_size = 64;
  bool skips_damaged = false;
  std::string out, confusion, per_class, sheet;  // files to write; "": none
  int64_t sheet_images = 25;
  launcher::MachineConfig machine;
};

// Parses the words of the command line; nothing if they ask for help. Throws UsageError.
std::optional<PredictOptions> parse_options(const std::vector<std::string>& words);

// What --help prints.
std::string predict_help();

}  // namespace d2l::predict
