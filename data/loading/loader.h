#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/loading/sampler.h"
#include "data/transform/resize.h"
#include "framework/tensor/batch.h"

namespace d2l::data {

struct LoaderOptions {
  int64_t batch_size = 256;  // global: over all ranks
  uint64_t seed = 0;
  Order order = Order::shuffled;
  LastBatch last_batch = LastBatch::keep;
  int rank = 0;
  int ranks = 1;
  int threads = 1;
  int queue_depth = 4;  // batches prepared in advance, including unfinished ones
  int64_t resize = 0;   // images become resize x resize; 0: not resized
};

// Reads batches ahead of time on its own threads and returns them in order; the batches do not
// depend on the number of threads. Only one thread may call seek() and next(). Starts at epoch 0,
// step 0. May be destroyed at any time.
class Loader final : public BatchSource {
 public:
  static constexpr int kMostThreads = 256;

  // Tensors come from the pool of `host`, a CPU backend, which must outlive the loader and its
  // batches. Throws Error for invalid options.
  Loader(std::shared_ptr<const Dataset> dataset, Backend& host, const LoaderOptions& options);
  ~Loader() override;

  int64_t samples() const override { return sampler_.samples_per_epoch(); }
  int64_t steps_per_epoch() const override { return sampler_.steps_per_epoch(); }
  int64_t largest_part() const override;
  // Throws Error for a negative epoch or a step outside [0, steps_per_epoch()].
  void seek(int64_t epoch, int64_t step) override;
  // After an Error, further calls throw the same Error until seek().
  Batch next() override;

  const Dataset& dataset() const { return *dataset_; }
  // The shape of one sample in a batch: height, width, channels.
  const Shape& sample_shape() const { return sample_shape_; }

 private:
  using EpochOrder = std::shared_ptr<const std::vector<int64_t>>;
  // A finished batch or its error. Batch numbers run through all epochs: epoch * steps_per_epoch +
  // step.
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };

  void stop();
  void work();
  Batch make(int64_t number);
  void read_resized(std::span<const int64_t> indices, Batch& batch) const;
  EpochOrder order_of(int64_t epoch);

  std::shared_ptr<const Dataset> dataset_;
  Backend& host_;
  LoaderOptions options_;
  Sampler sampler_;
  Shape sample_shape_;
  std::optional<Resize> resize_;

  std::mutex order_mutex_;
  std::map<int64_t, EpochOrder> orders_;  // of the epochs in use

  std::mutex mutex_;
  std::condition_variable room_, filled_;
  bool stopping_ = false;
  uint64_t generation_ = 0;  // seek() starts a new one; older batches are dropped
  int64_t next_number_ = 0;  // the batch that next() returns
  int64_t next_claim_ = 0;   // the batch that the next free thread reads
  std::map<int64_t, Slot> slots_;
  std::vector<std::thread> threads_;
};

}  // namespace d2l::data
