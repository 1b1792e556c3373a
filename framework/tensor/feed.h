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
  // augmentation and normalisation apply; then samples are mixed, if the batch has pairs. The batch
  // must not change until the backend has done this work. Throws Error for inputs that do not fit
  // the options.
  void load(const Batch& batch);

  // Both [n, ...], of the batch loaded last. Their addresses stay the same until a batch is larger
  // than all before it and than most_samples, or its samples have another shape. On a CPU, a host
  // tensor that already has the wanted type is used directly: there nothing depends on addresses.
  const Tensor& inputs() const { return inputs_; }
  const Tensor& targets() const { return targets_; }
  // Of a batch whose samples were mixed; otherwise undefined. The targets of the partners [n], and
  // the weights of targets(), f32 [n]: a partner's target has the rest of 1.
  const Tensor& partner_targets() const { return partner_targets_; }
  const Tensor& weights() const { return weights_; }
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
    Kept pairs, weights, partner_targets;
    uint64_t free = 0;  // event after which they are no longer read
  };

  static constexpr int64_t kMostPartners = 2;  // in addition to the samples of a batch

  Tensor arrived(const Tensor& host, Kept& to, uint64_t& free);
  void load_inputs(const Tensor& arrived, const ImageParams& params, const Tensor& samples,
                   const SamplePairs& pairs);
  void keep_own(const SamplePairs& pairs);
  // Returns it as `type`, in `kept` unless it can be used directly.
  Tensor placed(const Tensor& arrived, DType type, Kept& kept);
  bool is_in_place(DType found, DType wanted) const;
  ImageParams image_params(int64_t epoch) const;
  void check_images(const Batch& batch) const;
  void check_pairs(const Batch& batch) const;
  int64_t most_rows() const;  // of inputs, before they are mixed

  Backend& backend_;
  FeedOptions options_;
  Tensor mean_, deviation_;          // f32 [c]; undefined without normalisation
  std::array<Arrival, 2> arrivals_;  // used in turn: one is filled while the other is read
  size_t turn_ = 0;
  Kept kept_inputs_, kept_targets_, kept_partner_targets_, kept_weights_;
  Tensor inputs_, targets_, partner_targets_, weights_;
};

}  // namespace d2l
