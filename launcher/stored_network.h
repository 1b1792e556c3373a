#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/table/table_form.h"
#include "framework/checkpoint/store.h"
#include "framework/nn/parameter_set.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Which checkpoint to use.
struct CheckpointChoice {
  std::filesystem::path run;  // a run folder or a checkpoint
  std::string
      from;  // the checkpoint of a run folder: a step or a file; "": the best, else the newest
};

struct ChosenCheckpoint {
  CheckpointStore::Found found;
  // "best checkpoint: test accuracy 0.710" or "newest checkpoint"; "": the user named it
  std::string reason;
};

// The best evaluation that the run had had when the checkpoint was saved: "test accuracy 0.710"; ""
// if there was none.
std::string best_result(const Snapshot& snapshot);

// Reads the chosen checkpoint. `warn`: called for each damaged one that is skipped. Throws Error if
// there is none, and UsageError for `from` with a checkpoint.
ChosenCheckpoint choose_checkpoint(const CheckpointChoice& choice,
                                   const std::function<void(const std::string& message)>& warn);

// A trained network as a checkpoint describes it.
struct StoredNetwork {
  std::filesystem::path path;  // of the checkpoint
  std::string choice;          // why this one, see ChosenCheckpoint
  int64_t step = 0;            // 0 also if the weights were imported
  Config config;               // of the run
  data::DatasetInfo data;      // the training data; `samples` is 0
  Shape input;                 // height, width, channels of an image
  Snapshot weights;            // "parameters/NAME" and "buffers/NAME": those of an evaluation
  bool is_averaged = false;

  int64_t classes() const { return data.classes; }
  int64_t parameter_count() const;  // elements of all parameters that are stored
  // If the training data are a table. Throws Error that names the checkpoint.
  data::TableForm table_form() const;
  std::string step_text() const;  // " after step 1,234"; "" for step 0
  // Of a class, or its number if the classes have no names.
  std::string class_name(int64_t label) const;
};

// The training data that the user names; "": none.
struct NamedData {
  std::string name;
  std::string folder = ".";  // of datasets with a name
};

// `data`: only for checkpoints of old versions, which do not describe their training data. Throws
// Error for weights that are not finite, and if the training data are not known or others.
StoredNetwork stored_network(ChosenCheckpoint chosen, const NamedData& data = {});

// A network with its weights on a device.
struct LoadedNetwork {
  std::unique_ptr<nn::Module> model;
  std::unique_ptr<nn::ParameterSet> parameters;
};

// Throws Error if the weights do not fit the network.
LoadedNetwork load_network(const StoredNetwork& network, Backend& backend);

}  // namespace d2l::launcher
