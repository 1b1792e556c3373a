#include "data/loading/batches.h"

#include <utility>

namespace d2l::data {
namespace {

// Batches come from the host's memory.
Backend& host_of(Backend& backend) {
  if (backend.device().kind == DeviceKind::cpu) return backend;
  static thread_local Backend* host = make_cpu_backend(1).release();  // as default_backend()
  return *host;
}

LoaderOptions loader_options(const Batches::Options& options) {
  return {.batch_size = options.batch_size,
          .seed = options.seed,
          .order = options.order,
          .rank = options.rank,
          .ranks = options.ranks,
          .threads = options.threads,
          .pipeline = options.pipeline};
}

FeedOptions feed_options(const Batches::Options& options, const Dataset& dataset) {
  return {.targets = dataset.info().has_labels() ? DType::i64 : DType::f32,
          .normalisation = options.normalisation,
          .augmentation = options.pipeline.on_device(),
          .seed = options.seed,
          .most_samples = options.batch_size};
}

}  // namespace

Batches::Batches(const std::shared_ptr<const Dataset>& dataset, const Options& options)
    : loader_(dataset, host_of(default_backend()), loader_options(options)),
      feed_(default_backend(), feed_options(options, *dataset)) {}

Batches::Epoch Batches::epoch(int64_t number) {
  loader_.seek(number, 0);
  return Epoch(*this);
}

Batches::Item Batches::next() {
  batch_ = loader_.next();
  feed_.load(batch_);
  return {feed_.inputs(), feed_.targets()};
}

Batches::Iterator::Iterator(Batches& batches, int64_t left) : batches_(&batches), left_(left) {
  if (left_ > 0) item_ = batches_->next();
}

Batches::Iterator& Batches::Iterator::operator++() {
  if (--left_ > 0) item_ = batches_->next();
  return *this;
}

}  // namespace d2l::data
