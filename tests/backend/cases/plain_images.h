#pragma once

#include "tests/backend/cases/compare.h"

namespace d2l::test {

// The reference for prepare_images. Exact if no step mixes values; otherwise in doubles.
struct PlainImages {
  void prepare_images(const ImageParams& params, const Backend::ImageOperands& in,
                      const View& y) const;
};

Tensor random_bytes(const Shape& shape);
// Arguments of prepare_images: bytes, samples, mean and deviation.
std::vector<Tensor> image_inputs(const Tensor& x, int64_t samples, int64_t channels);
Backend::ImageOperands image_operands(const Inputs& in, bool normalised);
// The numbers that the backend under test makes of images.
std::vector<float> prepared(const ImageParams& params, const Tensor& x, const Tensor& samples);

}  // namespace d2l::test
