#pragma once

#include <array>
#include <vector>

#include "framework/backend/augmentation.h"
#include "framework/tensor/batch.h"

namespace d2l {

// Each channel of an image with values in [0, 1] becomes (v - mean) / deviation; empty: disabled.
struct Normalisation {
  std::vector<float> mean, deviation;
};

struct FeedOptions {
  DType activations = DType::f32;  // f32 or 16 bits: type of the inputs on the device
  DType targets = DType::i64;      // type of the targets on the device
  // For images that are stored as bytes, [n, h, w, c].
  Normalisation normalisation = {};
  Augmentation augmentation = {};
  uint64_t seed = 0;         // of the augmentation
  int64_t most_samples = 0;  // initial capacity; 0: the size of the first batch
};

// Holds a batch on the compute backend, in the form that a model expects. Uploads overlap the work
// on the previous batch if batches are loaded one step ahead.
class Feed {
 public:
  explicit Feed(Backend& backend, FeedOptions options = {});

  // Queues the work that brings the batch to the device. Work that is queued later can use inputs()
  // and targets(). Byte images are uploaded as bytes and then divided by 255, as in the book; then
  // augmentation and normalisation apply. The batch must not change until the backend has done this
  // work. Throws Error for inputs that do not fit the options.
  void load(const Batch& batch);

  // Both [n, ...], of the batch loaded last. Their addresses stay the same until a batch is larger
  // than all before it and than most_samples, or its samples have another shape. On a CPU, a host
  // tensor that already has the wanted type is used directly: there nothing depends on addresses.
  const Tensor& inputs() const { return inputs_; }
  const Tensor& targets() const { return targets_; }
  int64_t samples() const { return targets_.size(0); }

 private:
  // Memory that is reused while it is large enough.
  class Kept {
   public:
    bool fits(const Shape& shape, DType dtype) const;
    // The first rows, as many as `shape` has. If they do not fit, allocates at least `most` rows.
    Tensor rows(Backend& backend, Shape shape, DType dtype, int64_t most);

   private:
    Tensor whole_;
  };
  // Device memory that batches are uploaded to.
  struct Arrival {
    Kept inputs, targets, samples;
    uint64_t free = 0;  // event after which they are no longer read
  };

  Tensor arrived(const Tensor& host, Kept& to, uint64_t& free);
  void load_inputs(const Tensor& arrived, const ImageParams& params, const Tensor& samples);
  void load_targets(const Tensor& arrived);
  bool is_in_place(DType found, DType wanted) const;
  ImageParams image_params(int64_t epoch) const;
  void check_images(const Batch& batch) const;

  Backend& backend_;
  FeedOptions options_;
  Tensor mean_, deviation_;          // f32 [c]; undefined without normalisation
  std::array<Arrival, 2> arrivals_;  // used in turn: one is filled while the other is read
  size_t turn_ = 0;
  Kept kept_inputs_, kept_targets_;
  Tensor inputs_, targets_;
};

}  // namespace d2l
