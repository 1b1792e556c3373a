#include "framework/train/feed.h"

#include "framework/tensor/elementwise.h"

namespace d2l {

Tensor Feed::Kept::rows(Backend& backend, const Shape& shape, DType dtype) {
  const bool fits = whole_.defined() && whole_.dtype() == dtype &&
                    whole_.shape().without_axis(0) == shape.without_axis(0) &&
                    whole_.size(0) >= shape[0];
  if (!fits) whole_ = Tensor(backend, shape, dtype);
  return whole_.rows(0, shape[0]);
}

void Feed::load(const Batch& batch) {
  load_inputs(batch.inputs);
  load_labels(batch.labels);
}

bool Feed::is_in_place(const Tensor& host, DType dtype) const {
  return &host.backend() == &backend_ && backend_.device().kind == DeviceKind::cpu &&
         host.dtype() == dtype;
}

void Feed::load_inputs(const Tensor& host) {
  if (is_in_place(host, activations_)) {
    inputs_ = host;
    return;
  }
  inputs_ = kept_inputs_.rows(backend_, host.shape(), activations_);
  const Tensor there = host.sent_to(backend_);
  if (there.dtype() != DType::u8) return inputs_.copy_from(there);
  Tensor scaled = activations_ == DType::f32 ? inputs_ : Tensor(backend_, host.shape());
  scaled.copy_from(there);
  scaled /= 255;
  inputs_.copy_from(scaled);
}

void Feed::load_labels(const Tensor& host) {
  if (is_in_place(host, DType::i64)) {
    labels_ = host;
    return;
  }
  labels_ = kept_labels_.rows(backend_, host.shape(), DType::i64);
  labels_.copy_from(host.sent_to(backend_));
}

}  // namespace d2l
