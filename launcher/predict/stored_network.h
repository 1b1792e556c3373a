#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/transform/pipeline.h"
#include "framework/checkpoint/snapshot.h"
#include "framework/comm/mpi_session.h"
#include "framework/nn/parameter_set.h"
#include "launcher/options/config.h"
#include "launcher/predict/predict_options.h"

namespace d2l::predict {

// A trained network as a checkpoint describes it.
struct StoredNetwork {
  std::filesystem::path path;  // of the checkpoint
  std::string choice;          // why this one: "best checkpoint"; "": the user named it
  int64_t step = 0;
  launcher::Config config;  // of the run
  data::DatasetInfo data;   // the training data; `samples` is 0
  Shape input;              // height, width, channels of an image
  Snapshot weights;         // "parameters/NAME" and "buffers/NAME": those of an evaluation
  bool is_averaged = false;

  int64_t classes() const { return data.classes; }
  // Of a class, or its number if the classes have no names.
  std::string class_name(int64_t label) const;
};

// Reads the checkpoint that the options name; all ranks read the same one. Collective. `warn`:
// called on rank 0 for each damaged checkpoint that is skipped. Throws JobError.
StoredNetwork read_network(const PredictOptions& options, const MpiSession& session,
                           const std::function<void(const std::string& message)>& warn);

// How images are brought to the network's input.
struct Preparation {
  data::Pipeline steps;
  std::string note;  // what to tell the user, or ""
};

// The steps of the run's evaluation; for images that these do not bring to the network's input, a
// resize. `images`: their shape; height and width 0: they differ in size.
Preparation preparation_of(const StoredNetwork& network, const Shape& images);

// A network with its weights on a device.
struct LoadedNetwork {
  std::unique_ptr<nn::Module> model;
  std::unique_ptr<nn::ParameterSet> parameters;
};

// Throws Error if the weights do not fit the network.
LoadedNetwork load_network(const StoredNetwork& network, Backend& backend);

}  // namespace d2l::predict
