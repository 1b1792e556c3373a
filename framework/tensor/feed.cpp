#include "framework/tensor/feed.h"

#include <algorithm>
#include <utility>

#include "framework/tensor/create.h"

namespace d2l {

Feed::Feed(Backend& backend, FeedOptions options)
    : backend_(backend), options_(std::move(options)) {
  const auto& [mean, deviation] = options_.normalisation;
  check(mean.size() == deviation.size(), "feed: expected as many means as deviations, found ",
        mean.size(), " and ", deviation.size());
  if (mean.empty()) return;
  const Shape channels{static_cast<int64_t>(mean.size())};
  mean_ = from_vector(backend_, channels, mean);
  deviation_ = from_vector(backend_, channels, deviation);
}

bool Feed::Kept::fits(const Shape& shape, DType dtype) const {
  return whole_.defined() && whole_.dtype() == dtype && whole_.size(0) >= shape[0] &&
         whole_.shape().without_axis(0) == shape.without_axis(0);
}

Tensor Feed::Kept::rows(Backend& backend, Shape shape, DType dtype, int64_t most) {
  const int64_t count = shape[0];
  if (!fits(shape, dtype)) {
    shape[0] = std::max(count, most);
    whole_ = Tensor(backend, shape, dtype);
  }
  return whole_.rows(0, count);
}

void Feed::load(const Batch& batch) {
  const ImageParams params = image_params(batch.epoch);
  if (params.augmentation.augments() || mean_.defined()) check_images(batch);
  check_pairs(batch);
  turn_ = 1 - turn_;
  Arrival& arrival = arrivals_[turn_];
  const Tensor inputs = arrived(batch.inputs, arrival.inputs, arrival.free);
  const Tensor targets = arrived(batch.targets, arrival.targets, arrival.free);
  Tensor samples;
  if (params.augmentation.augments())
    samples = arrived(batch.samples, arrival.samples, arrival.free);
  SamplePairs pairs;
  if (batch.pairs.defined())
    pairs = {.numbers = arrived(batch.pairs.numbers, arrival.pairs, arrival.free),
             .weights = arrived(batch.pairs.weights, arrival.weights, arrival.free),
             .targets = arrived(batch.pairs.targets, arrival.partner_targets, arrival.free)};
  backend_.await_uploads();
  load_inputs(inputs, params, samples, pairs);
  targets_ = placed(targets, options_.targets, kept_targets_);
  if (pairs.defined()) keep_own(pairs);
  arrival.free = backend_.record_event();
}

// Drops the partners' rows, which are mixed with the batch's own samples.
void Feed::keep_own(const SamplePairs& pairs) {
  inputs_ = inputs_.rows(0, samples());
  partner_targets_ = placed(pairs.targets, options_.targets, kept_partner_targets_);
  weights_ = placed(pairs.weights, DType::f32, kept_weights_);
}

int64_t Feed::most_rows() const {
  const bool more = options_.most_samples > 0 && options_.augmentation.mixes_samples();
  return options_.most_samples + (more ? kMostPartners : 0);
}

ImageParams Feed::image_params(int64_t epoch) const {
  return {.augmentation = options_.augmentation,
          .key = {options_.seed, mix(stream_of("augment"), static_cast<uint64_t>(epoch))}};
}

void Feed::check_images(const Batch& batch) const {
  const Tensor& images = batch.inputs;
  check(images.dtype() == DType::u8 && images.rank() == 4,
        "feed: only images of bytes are normalised and augmented, found inputs ",
        to_string(images.dtype()), " ", images.shape());
  check(!mean_.defined() || mean_.elements() == images.size(3),
        "feed: expected a mean for each of ", images.size(3), " channels, found ",
        options_.normalisation.mean.size());
  const Augmentation& augmentation = options_.augmentation;
  check(!augmentation.augments() || batch.samples.defined(),
        "feed: augmentation expects the samples' numbers, found none");
  check(!augmentation.needs_colour() || images.size(3) == 3,
        "feed: saturation and hue expect images with 3 channels, found ", images.size(3));
  check(!augmentation.mixes_values() || images.size(3) == 3 || images.size(3) == 1,
        "feed: contrast expects images with 1 or 3 channels, found ", images.size(3));
}

void Feed::check_pairs(const Batch& batch) const {
  const bool wanted = options_.augmentation.mixes_samples();
  check(wanted == batch.pairs.defined(), "feed: expected ", wanted ? "pairs of" : "single",
        " samples, found ", wanted ? "single ones" : "pairs");
  if (!wanted) return;
  const Tensor& images = batch.inputs;
  check(images.dtype() == DType::u8 && images.rank() == 4,
        "feed: only images of bytes are mixed, found inputs ", to_string(images.dtype()), " ",
        images.shape());
}

// Queues the upload of a host tensor and returns the device tensor. Newly allocated memory may
// still be in use by work queued before, so the upload waits for that work.
Tensor Feed::arrived(const Tensor& host, Kept& to, uint64_t& free) {
  if (&host.backend() == &backend_ || host.backend().device().kind != DeviceKind::cpu)
    return host.to(backend_);
  if (!to.fits(host.shape(), host.dtype())) free = backend_.record_event();
  Tensor there = to.rows(backend_, host.shape(), host.dtype(), most_rows());
  backend_.upload_async(host.view().data, there.view(), free);
  return there;
}

bool Feed::is_in_place(DType found, DType wanted) const {
  return found == wanted && backend_.device().kind == DeviceKind::cpu;
}

void Feed::load_inputs(const Tensor& arrived, const ImageParams& params, const Tensor& samples,
                       const SamplePairs& pairs) {
  if (is_in_place(arrived.dtype(), options_.activations)) {
    inputs_ = arrived;
    return;
  }
  inputs_ = kept_inputs_.rows(backend_, arrived.shape(), options_.activations, most_rows());
  if (arrived.dtype() != DType::u8) return inputs_.copy_from(arrived);
  const auto optional = [](const Tensor& tensor) {
    return tensor.defined() ? tensor.view() : ConstView{};
  };
  backend_.prepare_images(params,
                          {.x = arrived.view(),
                           .samples = optional(samples),
                           .mean = optional(mean_),
                           .deviation = optional(deviation_),
                           .pairs = optional(pairs.numbers),
                           .weights = optional(pairs.weights)},
                          inputs_.view());
}

Tensor Feed::placed(const Tensor& arrived, DType type, Kept& kept) {
  if (is_in_place(arrived.dtype(), type)) return arrived;
  Tensor to = kept.rows(backend_, arrived.shape(), type, options_.most_samples);
  to.copy_from(arrived);
  return to;
}

}  // namespace d2l
