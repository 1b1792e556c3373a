#include "launcher/predict/preparation.h"

#include <optional>
#include <utility>

#include "framework/base/text.h"
#include "launcher/pipelines.h"
#include "launcher/ranks.h"

namespace d2l::predict {

StoredNetwork read_network(const PredictOptions& options, const MpiSession& session,
                           const std::function<void(const std::string& message)>& warn) {
  std::optional<launcher::ChosenCheckpoint> chosen;
  launcher::run_on_all_ranks(session, [&] {
    if (session.rank() == 0)
      chosen = launcher::choose_checkpoint({options.run, options.from}, warn);
  });
  const std::string path = session.gather(chosen ? chosen->found.path.string() : "")[0];
  StoredNetwork network;
  launcher::run_on_all_ranks(session, [&] {
    if (session.rank() != 0) chosen = {CheckpointStore::read(path), ""};
    network = launcher::stored_network(std::move(*chosen), {options.data, options.data_dir});
  });
  return network;
}

Preparation preparation_of(const StoredNetwork& network, const Shape& images) {
  const data::Pipeline steps = launcher::pipelines_of(network.config).eval;
  try {
    if (steps.result_shape(images) == network.input) return {steps, ""};
  } catch (const Error&) {  // they do not fit these images
  }
  const std::string size = concat(network.input[0], " x ", network.input[1]);
  return {data::Pipeline::parse(concat("resize ", network.input[0], "x", network.input[1])),
          concat("images are resized to the network's input, ", size,
                 ", without regard to their proportions: the run has no --eval-transform that "
                 "brings these images to this size")};
}

}  // namespace d2l::predict
