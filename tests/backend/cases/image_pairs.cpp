#include <algorithm>

#include "tests/backend/cases/plain_images.h"

namespace d2l::test {
namespace {

struct PlainPairs {
  void prepare_images(const ImageParams& params, const Backend::ImageOperands& in,
                      const View& x) const {
    PlainImages().prepare_images(params, in, x);
    mix(in.pairs, in.weights, x);
  }

 private:
  static void mix(const ConstView& pairs, const ConstView& weights, const View& x) {
    const std::vector<int64_t> numbers = integers(pairs);
    const Doubles before = doubles(x), weight = doubles(weights);
    Doubles after = before;
    const int64_t elements = x.shape.elements(1, 4);
    for (int64_t i = 0; i < pairs.shape[0]; ++i)
      for (int64_t k = 0; k < elements; ++k) {
        const int64_t* row = numbers.data() + 5 * i;
        const int64_t line = k / (x.shape[2] * x.shape[3]), column = k / x.shape[3] % x.shape[2];
        const bool inside = line >= row[1] && line < row[3] && column >= row[2] && column < row[4];
        const bool empty = row[1] >= row[3] || row[2] >= row[4];
        const auto at = static_cast<size_t>(i * elements + k);
        const double own = before[at], other = before[static_cast<size_t>(row[0] * elements + k)];
        const double w = empty ? weight[static_cast<size_t>(i)] : inside ? 0.0 : 1.0;
        after[at] = w * own + (1 - w) * other;
      }
    store(x, after);
  }
};

// Images 0 and 1, 2 and 3, ... are pairs, of all images but the last `missing` ones. With an even
// number of images and one missing, the last pair only reads it. A last image without another one
// is its own partner.
Arguments arguments(const Shape& shape, DType dtype, int64_t missing) {
  const int64_t images = shape[0], count = images - missing;
  std::vector<int64_t> numbers;
  std::vector<float> weights;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t partner = std::min(i ^ 1, images - 1);
    // the first pair is averaged, the others have rectangles
    const int64_t pair = i / 2, height = pair == 0 ? 0 : 1 + pair % shape[1];
    for (const int64_t number : {partner, int64_t{0}, int64_t{0}, height, shape[2] - pair % 2})
      numbers.push_back(number);
    weights.push_back(partner == i ? 1 : static_cast<float>(pair + 5) / 16777216.0f + 0.25f);
  }
  std::vector<Tensor> inputs = image_inputs(random_bytes(shape), images, shape[3]);
  inputs.push_back(from_vector(host(), {count, 5}, numbers));
  inputs.push_back(from_vector(host(), {count}, weights));
  return {inputs, {unwritten(shape, dtype)}};
}

const ImageParams kFlips{.augmentation = {.flip = 0.5}, .key = {1, 2}};

Backend::ImageOperands paired(const Inputs& in) {
  Backend::ImageOperands all = image_operands(in, true);
  all.pairs = in[4];
  all.weights = in[5];
  return all;
}

TEST(ImagePairs, AreWhatTheLoopSays) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{7, 5, 7, 3}, Shape{4, 6, 6, 1}, Shape{8, 33, 40, 4},
                               Shape{9, 64, 64, 3}, Shape{1, 2, 2, 3}, Shape{3, 3, 2, 11}})
      for (const int64_t missing : {0, 1})
        EXPECT_TRUE(agree<PlainPairs>(
            arguments(shape, dtype, missing),
            [](auto& on, const Inputs& in, const Outputs& out) {
              on.prepare_images(kFlips, paired(in), out[0]);
            },
            dtype == DType::f16 ? tolerances::kAveragedHalves : tolerances::kExact))
            << shape << " " << missing;
}

// With an odd number of images and the last one in no pair.
TEST(ImagePairs, OtherImagesStay) {
  const Shape shape{5, 4, 4, 3};
  const Arguments all = arguments(shape, DType::f32, 1);
  const std::vector<float> after =
      outputs_of(all, [](Backend& on, const Inputs& in,
                         const Outputs& out) { on.prepare_images(kFlips, paired(in), out[0]); })[0]
          .to_vector<float>();
  const std::vector<float> before =
      outputs_of(all,
                 [](Backend& on, const Inputs& in, const Outputs& out) {
                   on.prepare_images(kFlips, image_operands(in, true), out[0]);
                 })[0]
          .to_vector<float>();
  EXPECT_NE(before, after);
  EXPECT_TRUE(std::equal(before.begin() + 4 * 48, before.end(), after.begin() + 4 * 48));
}

}  // namespace
}  // namespace d2l::test
