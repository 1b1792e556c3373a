#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/loading/piece_reader.h"
#include "data/loading/sample_pairs.h"
#include "data/loading/sampler.h"
#include "framework/base/trace.h"
#include "framework/tensor/batch.h"

namespace d2l::data {

struct LoaderOptions {
  int64_t batch_size = 256;  // global: over all ranks
  uint64_t seed = 0;
  Order order = Order::shuffled;
  int64_t window = Sampler::kDefaultWindow;  // of Order::blocks
  LastBatch last_batch = LastBatch::keep;
  int rank = 0;
  int ranks = 1;
  int64_t slices = 0;  // see Sampler::Options
  int threads = 1;
  // Both limit the batches prepared in advance, including unfinished ones; at least one is.
  int queue_depth = 16;
  uint64_t queue_bytes = uint64_t{256} << 20;
  Pipeline pipeline = {};  // its steps on the host
  OnBadSample on_bad_sample = OnBadSample::fail;
  Trace* trace = nullptr;  // records the reading; nullptr: nothing does
};

// Reads batches ahead of time on its own threads and returns them in order. Several threads read
// the samples of one batch, so that the next batch is complete as soon as possible. The batches do
// not depend on the number of threads. Only one thread may call seek(), next() and
// take_replaced(). Starts at epoch 0, step 0. May be destroyed at any time.
class Loader final : public BatchSource {
 public:
  static constexpr int kMostThreads = 256;
  // With OnBadSample::skip, next() throws Error if more samples than this number were damaged, and
  // more than this part of all samples that it has returned.
  static constexpr int64_t kMostBadSamples = 10;
  static constexpr double kMostBadPart = 0.01;

  // Tensors come from the pool of `host`, a CPU backend, which must outlive the loader and its
  // batches. Throws Error for invalid options.
  Loader(std::shared_ptr<const Dataset> dataset, Backend& host, const LoaderOptions& options);
  ~Loader() override;

  int64_t samples() const override { return sampler_.samples_per_epoch(); }
  int64_t steps_per_epoch() const override { return sampler_.steps_per_epoch(); }
  int64_t largest_part() const override;
  // Throws Error for a negative epoch or a step outside [0, steps_per_epoch()].
  void seek(int64_t epoch, int64_t step) override;
  // After an Error, further calls throw the same Error until seek(). In sequential order, every
  // epoch is epoch 0.
  Batch next() override;
  Replaced take_replaced() override;

  const Dataset& dataset() const { return *dataset_; }
  // The shape of one input in a batch: height, width, channels of an image, or values of a row.
  const Shape& sample_shape() const { return sample_shape_; }
  // The most memory of the orders of samples, and of the batches: those prepared in advance, one
  // that next() has returned and one more.
  uint64_t order_bytes() const { return sampler_.order_bytes(kMostOrders); }
  uint64_t batch_bytes() const;
  // At most so many batches are prepared in advance, of at most so many bytes each.
  int64_t queue_depth() const { return queue_depth_; }
  uint64_t largest_batch_bytes() const;

 private:
  // Of the epochs in use: batches of the next one are read ahead.
  static constexpr int64_t kMostOrders = 2;
  using SharedOrder = std::shared_ptr<const EpochOrder>;

  // A batch in work or complete. Threads take its pieces in order.
  struct Reading {
    Batch batch;
    PartnerRows partners;
    Tensor targets;                // of all rows of the batch's inputs
    int64_t epoch = 0, begin = 0;  // position of its first sample in the epoch's order
    int64_t pieces = 0, claimed = 0, done = 0;
    std::map<int64_t, std::exception_ptr> errors;        // by piece
    std::map<int64_t, std::vector<BadSample>> replaced;  // by piece
    bool complete() const { return done == pieces; }
    int64_t replaced_count() const;
  };
  using SharedReading = std::shared_ptr<Reading>;

  void stop();
  void work(PieceReader& reader);
  bool has_work() const;
  SharedReading current();
  SharedReading open(int64_t number);
  std::vector<BadSample> read_piece(Reading& reading, int64_t piece, PieceReader& reader);
  SharedOrder order_of(int64_t epoch);
  DType input_type() const;  // u8 for images, f32 for rows
  uint64_t input_bytes() const;
  DType target_type() const;  // i64 for labels, f32 for numbers
  bool mixes() const { return options_.pipeline.on_device().mixes_samples(); }
  RngKey key(std::string_view purpose, int64_t epoch) const;
  void check_replaced(const Reading& reading) const;
  void count_replaced(const Reading& reading);

  std::shared_ptr<const Dataset> dataset_;
  Backend& host_;
  LoaderOptions options_;
  Sampler sampler_;
  Shape sample_shape_;
  int64_t queue_depth_ = 1;    // after both limits
  int64_t piece_samples_ = 1;  // of all pieces but the last of a batch

  int64_t returned_ = 0, bad_ = 0;  // samples
  std::set<int64_t> named_;         // damaged samples
  Replaced replaced_;               // of the next take_replaced()

  std::mutex order_mutex_;
  std::map<int64_t, SharedOrder> orders_;

  std::mutex mutex_;
  std::condition_variable room_, filled_;
  bool stopping_ = false;
  // Batch numbers run through all epochs: epoch * steps_per_epoch + step.
  int64_t next_number_ = 0;  // the batch that next() returns
  int64_t next_open_ = 0;    // the batch that is begun next
  std::map<int64_t, SharedReading> readings_;
  std::vector<PieceReader> readers_;  // one per thread
  std::vector<std::thread> threads_;
};

}  // namespace d2l::data
