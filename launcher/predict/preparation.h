#pragma once

#include <functional>
#include <string>

#include "data/transform/pipeline.h"
#include "framework/comm/mpi_session.h"
#include "launcher/predict/predict_options.h"
#include "launcher/stored_network.h"

namespace d2l::predict {

using launcher::LoadedNetwork;
using launcher::StoredNetwork;

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

}  // namespace d2l::predict
