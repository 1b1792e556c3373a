#pragma once

#include <array>
#include <vector>

#include "framework/backend/augmentation.h"
#include "framework/tensor/batch.h"

namespace d2l {

// (v - mean) / deviation of each channel of images with values from 0 to 1; empty: not done.
struct Normalisation {
  std::vector<float> mean, deviation;
};

struct FeedOptions {
  DType activations = DType::f32;  // what the inputs become; or 16 bits
  DType targets = DType::i64;      // what the targets become
  // Of images that are stored as bytes, [n, h, w, c].
  Normalisation normalisation = {};
  Augmentation augmentation = {};
  uint64_t seed = 0;         // of the augmentation
  int64_t most_samples = 0;  // that memory is made for at first; 0: as many as the first batch has
};

// A batch on the backend that computes, as a model takes it. What travels there does so beside the
// work on the batch before it, when batches are loaded a step ahead.
class Feed {
 public:
  explicit Feed(Backend& backend, FeedOptions options = {});

  // Queues all that it takes for inputs() and targets() to hold the batch, for whatever is queued
  // afterwards. Bytes become bytes / 255, which is the book's scaling, after they have travelled as
  // bytes; then the options are for them. The batch must stay as it is until the backend has done
  // it. Throws Error for inputs that the options do not fit.
  void load(const Batch& batch);

  // [n, ...] both, of the batch loaded last. They keep their addresses from load to load, until a
  // batch is larger than those before it and than most_samples, or its samples are of another
  // shape. On a CPU, where nothing can depend on that, a tensor that already has the wanted type
  // is aliased.
  const Tensor& inputs() const { return inputs_; }
  const Tensor& targets() const { return targets_; }
  int64_t samples() const { return targets_.size(0); }

 private:
  // Memory that is kept while it is large enough.
  class Kept {
   public:
    bool fits(const Shape& shape, DType dtype) const;
    // The first rows, as many as `shape` has; of fresh memory, of `most` rows at least, if it does
    // not fit.
    Tensor rows(Backend& backend, Shape shape, DType dtype, int64_t most);

   private:
    Tensor whole_;
  };
  // Where batches arrive.
  struct Arrival {
    Kept inputs, targets, samples;
    uint64_t free = 0;  // the event after which they are no longer read
  };

  Tensor arrived(const Tensor& host, Kept& to, uint64_t& free);
  void load_inputs(const Tensor& arrived, const ImageParams& params, const Tensor& samples);
  void load_targets(const Tensor& arrived);
  bool is_in_place(DType found, DType wanted) const;
  ImageParams image_params(int64_t epoch) const;
  void check_images(const Batch& batch) const;

  Backend& backend_;
  FeedOptions options_;
  Tensor mean_, deviation_;          // f32 [c], where images are normalised
  std::array<Arrival, 2> arrivals_;  // used in turn: one is filled while the other is read
  size_t turn_ = 0;
  Kept kept_inputs_, kept_targets_;
  Tensor inputs_, targets_;
};

}  // namespace d2l
