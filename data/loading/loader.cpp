#include "data/loading/loader.h"

#include <algorithm>
#include <utility>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

Sampler::Options sampler_options(const Dataset& dataset, const LoaderOptions& options) {
  return {.samples = dataset.samples(),
          .global_batch = options.batch_size,
          .seed = options.seed,
          .order = options.order,
          .last_batch = options.last_batch,
          .rank = options.rank,
          .ranks = options.ranks};
}

Shape batch_shape(int64_t count, const Shape& sample) {
  Shape shape{count};
  for (int64_t size : sample) shape.append(size);
  return shape;
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, Backend& host, const LoaderOptions& options)
    : dataset_(std::move(dataset)),
      host_(host),
      options_(options),
      sampler_(sampler_options(*dataset_, options)),
      sample_shape_(dataset_->shape()) {
  check(host.device().kind == DeviceKind::cpu, "loader: expected a CPU backend, found ",
        to_string(host.device()));
  check(options.threads >= 1 && options.threads <= kMostThreads, "loader: expected 1 to ",
        kMostThreads, " threads, found ", options.threads);
  check(options.queue_depth >= 1, "loader: expected a queue depth of at least 1, found ",
        options.queue_depth);
  check(options.resize >= 0, "loader: expected a size of at least 1 to resize to, or 0, found ",
        options.resize);
  if (options.resize > 0) sample_shape_ = {options.resize, options.resize, sample_shape_[2]};
  if (!(sample_shape_ == dataset_->shape())) resize_.emplace(dataset_->shape(), sample_shape_);
  try {
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

Loader::~Loader() { stop(); }

void Loader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

int64_t Loader::largest_part() const {
  const Sampler::Part first = sampler_.part(0);
  return first.end - first.begin;
}

void Loader::seek(int64_t epoch, int64_t step) {
  const int64_t steps = steps_per_epoch();
  check(epoch >= 0 && step >= 0 && step <= steps, "loader: epoch ", epoch, ", step ", step,
        " does not exist: epochs have ", steps, " steps");
  std::lock_guard lock(mutex_);
  const int64_t number = epoch * steps + step;
  auto waiting = slots_.find(number);
  const bool failed = waiting != slots_.end() && waiting->second.error;
  if (number == next_number_ && !failed) return;
  ++generation_;
  slots_.clear();
  next_number_ = next_claim_ = number;
  room_.notify_all();
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [&] { return slots_.contains(next_number_); });
  auto slot = slots_.find(next_number_);
  if (slot->second.error) std::rethrow_exception(slot->second.error);
  Batch batch = std::move(slot->second.batch);
  slots_.erase(slot);
  ++next_number_;
  lock.unlock();  // so that the woken thread can take the lock at once
  room_.notify_one();
  return batch;
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock,
               [&] { return stopping_ || next_claim_ < next_number_ + options_.queue_depth; });
    if (stopping_) return;
    const int64_t number = next_claim_++;
    const uint64_t generation = generation_;
    lock.unlock();

    Slot slot;
    try {
      slot.batch = make(number);
    } catch (...) {
      slot.error = std::current_exception();
    }

    lock.lock();
    if (generation != generation_) continue;
    slots_[number] = std::move(slot);
    lock.unlock();
    filled_.notify_one();
    lock.lock();
  }
}

Batch Loader::make(int64_t number) {
  const int64_t epoch = number / steps_per_epoch();
  const Sampler::Part part = sampler_.part(number % steps_per_epoch());
  const int64_t count = part.end - part.begin;

  Batch batch;
  batch.global_size = part.global_size;
  batch.first_in_global = part.first_in_global;
  batch.inputs = Tensor(host_, batch_shape(count, sample_shape_), DType::u8);
  batch.targets = Tensor(host_, {count}, DType::i64);
  batch.samples = Tensor(host_, {count}, DType::i64);
  batch.epoch = epoch;
  if (count == 0) return batch;

  const EpochOrder order = order_of(epoch);
  const std::span<const int64_t> indices(order->data() + part.begin, static_cast<size_t>(count));
  std::copy(indices.begin(), indices.end(), batch.samples.data<int64_t>());
  if (resize_)
    read_resized(indices, batch);
  else
    dataset_->read_bytes(indices, batch.inputs.data<uint8_t>(), batch.targets.data<int64_t>());
  return batch;
}

void Loader::read_resized(std::span<const int64_t> indices, Batch& batch) const {
  const int64_t elements = sample_shape_.elements();
  auto* images = batch.inputs.data<uint8_t>();
  auto* labels = batch.targets.data<int64_t>();
  Resize::Workspace workspace;
  dataset_->visit(indices, [&](size_t position, const Sample& sample) {
    resize_->apply(sample.bytes.data(), images + static_cast<int64_t>(position) * elements,
                   workspace);
    labels[position] = sample.label;
  });
}

Loader::EpochOrder Loader::order_of(int64_t epoch) {
  std::lock_guard lock(order_mutex_);
  auto found = orders_.find(epoch);
  if (found != orders_.end()) return found->second;
  // Two epochs are in use while batches of the next one are read ahead. An order that is dropped
  // too early is computed again.
  while (orders_.size() >= 2) orders_.erase(orders_.begin());
  EpochOrder order = std::make_shared<const std::vector<int64_t>>(sampler_.order(epoch));
  orders_.emplace(epoch, order);
  return order;
}

}  // namespace d2l::data
