#include "framework/train/feed.h"

#include "framework/tensor/elementwise.h"

namespace d2l {

bool Feed::Kept::fits(const Shape& shape, DType dtype) const {
  return whole_.defined() && whole_.dtype() == dtype && whole_.size(0) >= shape[0] &&
         whole_.shape().without_axis(0) == shape.without_axis(0);
}

Tensor Feed::Kept::rows(Backend& backend, const Shape& shape, DType dtype) {
  if (!fits(shape, dtype)) whole_ = Tensor(backend, shape, dtype);
  return whole_.rows(0, shape[0]);
}

void Feed::load(const Batch& batch) {
  turn_ = 1 - turn_;
  Arrival& arrival = arrivals_[turn_];
  const Tensor inputs = arrived(batch.inputs, arrival.inputs, arrival.free);
  const Tensor labels = arrived(batch.labels, arrival.labels, arrival.free);
  backend_.receive();
  load_inputs(inputs);
  load_labels(labels);
  arrival.free = backend_.mark();
}

// The host's tensor, once what has been sent is received. Fresh memory may be in use by queued work
// that had it before.
Tensor Feed::arrived(const Tensor& host, Kept& to, uint64_t& free) {
  if (&host.backend() == &backend_ || host.backend().device().kind != DeviceKind::cpu)
    return host.to(backend_);
  if (!to.fits(host.shape(), host.dtype())) free = backend_.mark();
  Tensor there = to.rows(backend_, host.shape(), host.dtype());
  backend_.send(host.view().data, there.view(), free);
  return there;
}

bool Feed::is_in_place(DType found, DType wanted) const {
  return found == wanted && backend_.device().kind == DeviceKind::cpu;
}

void Feed::load_inputs(const Tensor& arrived) {
  if (is_in_place(arrived.dtype(), activations_)) {
    inputs_ = arrived;
    return;
  }
  inputs_ = kept_inputs_.rows(backend_, arrived.shape(), activations_);
  if (arrived.dtype() != DType::u8) return inputs_.copy_from(arrived);
  Tensor scaled = activations_ == DType::f32 ? inputs_ : Tensor(backend_, arrived.shape());
  scaled.copy_from(arrived);
  scaled /= 255;
  inputs_.copy_from(scaled);
}

void Feed::load_labels(const Tensor& arrived) {
  if (is_in_place(arrived.dtype(), DType::i64)) {
    labels_ = arrived;
    return;
  }
  labels_ = kept_labels_.rows(backend_, arrived.shape(), DType::i64);
  labels_.copy_from(arrived);
}

}  // namespace d2l
