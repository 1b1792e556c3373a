#include "launcher/batch_statistics.h"

#include <algorithm>
#include <optional>

#include "framework/backend/backend.h"
#include "framework/nn/parameter_set.h"
#include "launcher/assemble.h"

namespace d2l::launcher {
namespace {

// The first batch norm that gets only one value per channel from one sample; empty if there is
// none. Those that stay frozen need no statistics.
std::string layer_with_one_value(const Config& config, const data::Loader& train_data) {
  const std::unique_ptr<Backend> made = make_dry_backend();
  Backend& dry = *made;
  const Shape& sample = train_data.sample_shape();
  const auto model = make_model(config.model, sample, train_data.dataset().classes());
  nn::ParameterSet parameters(*model, dry, std::nullopt);
  if (config.training.unfreeze_after.number == 0) parameters.freeze(config.training.freeze);
  std::string found;
  nn::Context context{.training = true, .on_statistics = [&](const std::string& layer, int64_t n) {
                        if (n < 2 && found.empty()) found = layer;
                      }};
  const NoGrad no_grad;
  (*model)(Variable(Tensor(dry, sample.with_front(1))), context);
  return found;
}

// The fewest samples in one forward pass if `batch` is divided among the ranks; ranks without
// samples do not count.
int64_t smallest_piece(const TrainingConfig& training, int64_t batch, int ranks) {
  if (training.sync_bn) return batch;
  if (training.reproducible > 0) return std::max<int64_t>(batch / training.reproducible, 1);
  const int64_t part = std::max<int64_t>(batch / ranks, 1);
  return std::max<int64_t>(part / training.accumulate, 1);
}

}  // namespace

std::string check_batch_statistics(const Config& config, const data::Loader& train_data,
                                   int ranks) {
  const TrainingConfig& training = config.training;
  const int64_t samples = train_data.samples(), last = samples % training.batch_size;
  const int64_t whole = smallest_piece(training, std::min(training.batch_size, samples), ranks);
  const bool last_is_small = last > 0 && smallest_piece(training, last, ranks) == 1;
  if (whole > 1 && !last_is_small) return "";
  const std::string layer = layer_with_one_value(config, train_data);
  if (layer.empty()) return "";
  if (whole == 1)
    throw UsageError(
        concat("--batch-size ", training.batch_size, ": the batch norm ", layer,
               " expects at least 2 values per channel for its statistics, found 1 (",
               training.batch_size, training.batch_size == 1 ? " sample" : " samples", " over ",
               ranks, ranks == 1 ? " rank" : " ranks",
               training.accumulate > 1     ? concat(" in ", training.accumulate, " micro-batches")
               : training.reproducible > 0 ? concat(" in ", training.reproducible, " slices")
                                           : "",
               "); use a larger batch",
               training.reproducible > 0 ? " or fewer slices"
               : ranks > 1               ? ", fewer ranks or --sync-bn on"
                                         : ""));
  return concat("the last batch of each epoch has ", last, last == 1 ? " sample" : " samples",
                ": the batch norm ", layer, " gets 1 value per channel from it, too few to ",
                "update its running statistics; --last-batch drop skips that batch");
}

}  // namespace d2l::launcher
