#pragma once

#include "framework/tensor/batch.h"

namespace d2l {

// A batch on the backend that computes, as a model takes it.
class Feed {
 public:
  // activations: what the inputs become, f32 or 16 bits.
  explicit Feed(Backend& backend, DType activations = DType::f32)
      : backend_(backend), activations_(activations) {}

  // Queues all that it takes for inputs() and labels() to hold the batch, for whatever is queued
  // afterwards. Bytes become bytes / 255, which is the book's scaling, after they have travelled as
  // bytes. The batch must stay as it is until the backend has done it.
  void load(const Batch& batch);

  // [n, ...] and i64 [n], of the batch loaded last. From load to load they lie at the same
  // addresses, until a batch is larger than those before it or of another shape. On a CPU, where
  // nothing can depend on that, what lies on the backend as it is wanted is not copied.
  const Tensor& inputs() const { return inputs_; }
  const Tensor& labels() const { return labels_; }
  int64_t samples() const { return labels_.elements(); }

 private:
  // Memory that is kept while it is large enough.
  class Kept {
   public:
    // Its first rows, as many as `shape` has.
    Tensor rows(Backend& backend, const Shape& shape, DType dtype);

   private:
    Tensor whole_;
  };

  bool is_in_place(const Tensor& host, DType dtype) const;
  void load_inputs(const Tensor& host);
  void load_labels(const Tensor& host);

  Backend& backend_;
  DType activations_;
  Kept kept_inputs_, kept_labels_;
  Tensor inputs_, labels_;
};

}  // namespace d2l
