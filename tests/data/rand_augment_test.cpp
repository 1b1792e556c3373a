#include "data/transform/rand_augment.h"

#include <map>

#include "data/transform/pipeline.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes pattern(const Shape& shape) {
  Bytes bytes(static_cast<size_t>(shape.elements()));
  for (uint64_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>((i * i * 31 + i * 7919) % 257 % 256 / 2 + 40);
  return bytes;
}

uint64_t sum_of(const Bytes& result) {
  uint64_t sum = 0;
  for (size_t i = 0; i < result.size(); ++i) sum += (i % 1009 + 1) * result[i];
  return sum;
}

// _apply_op of torchvision 0.29 with the magnitudes of its RandAugment, on images of Pillow 13:
// sums over i of (i % 1009 + 1) * byte i of the result. First for pattern({37, 50, 3}), then for
// pattern({28, 28, 1}): magnitude 9, 9 in the other direction, 30, 30 in the other direction.
struct Case {
  RandOperation operation;
  uint64_t sums[8];
};
const Case kTorchvision[] = {
    {RandOperation::identity,
     {276623990, 276623990, 276623990, 276623990, 31775743, 31775743, 31775743, 31775743}},
    {RandOperation::shear_x,
     {267517724, 268190769, 246626117, 246172779, 29989800, 29902185, 25498190, 25661638}},
    {RandOperation::shear_y,
     {266662738, 264392690, 220671032, 225848992, 29149357, 32026126, 23146807, 30713546}},
    {RandOperation::translate_x,
     {244177926, 244085809, 154439879, 155616638, 28447867, 28438520, 18312417, 18046270}},
    {RandOperation::translate_y,
     {247568702, 240721635, 163122980, 158161401, 31404402, 25327511, 25801698, 10378207}},
    {RandOperation::rotate,
     {264920861, 265579252, 237103922, 235750324, 29632502, 29932774, 27060456, 26920605}},
    {RandOperation::brightness,
     {350028473, 200587840, 500157363, 26431793, 40206841, 23041821, 57447098, 3036081}},
    {RandOperation::colour,
     {275321992, 275287369, 277507734, 275380199, 31775743, 31775743, 31775743, 31775743}},
    {RandOperation::contrast,
     {275591061, 275021147, 278524686, 274500935, 31646989, 31601673, 31948659, 31567436}},
    {RandOperation::sharpness,
     {275611932, 275138020, 275776027, 274990423, 31637902, 31648254, 31716458, 31589546}},
    {RandOperation::posterize,
     {275135430, 275135430, 256149328, 256149328, 31603736, 31603736, 29421168, 29421168}},
    {RandOperation::solarize,
     {276623990, 276623990, 405625960, 405625960, 31775743, 31775743, 46692857, 46692857}},
    {RandOperation::autocontrast,
     {339242936, 339242936, 339242936, 339242936, 38937558, 38937558, 38937558, 38937558}},
    {RandOperation::equalize,
     {350234457, 350234457, 350234457, 350234457, 39989322, 39989322, 39989322, 39989322}},
};

TEST(RandAugment, OperationsAreTorchvisions) {
  for (const auto& [operation, sums] : kTorchvision) {
    const uint64_t* sum = sums;
    for (const Shape& shape : {Shape{37, 50, 3}, Shape{28, 28, 1}})
      for (int64_t magnitude : {9, 30})
        for (bool negative : {false, true}) {
          Bytes image = pattern(shape);
          apply(operation, magnitude, negative, image.data(), shape);
          EXPECT_EQ(sum_of(image), *sum++)
              << static_cast<int>(operation) << ", " << shape << ", magnitude " << magnitude
              << (negative ? ", negative" : "");
        }
  }
}

TEST(RandAugment, SmallAndPlainImages) {
  for (const Shape& shape : {Shape{1, 1, 3}, Shape{2, 1, 1}, Shape{1, 7, 3}, Shape{2, 2, 3}})
    for (int64_t i = 0; i < kRandOperationCount; ++i)
      for (int64_t magnitude : {int64_t{0}, kMagnitudes - 1})
        for (const auto value : {uint8_t{0}, uint8_t{77}, uint8_t{255}}) {
          Bytes image(static_cast<size_t>(shape.elements()), value);
          apply(static_cast<RandOperation>(i), magnitude, false, image.data(), shape);
          if (magnitude > 0 || static_cast<RandOperation>(i) == RandOperation::solarize) continue;
          EXPECT_EQ(image, Bytes(image.size(), value)) << i << " " << shape;
        }
  Bytes two(8);
  EXPECT_EQ(message_of([&] {
              apply(RandOperation::identity, 0, false, two.data(), {2, 2, 2});
            }),
            "rand-augment expects images with 1 or 3 channels, found 2");
}

// All operations equally often, both directions; a function of key and sample.
TEST(RandAugment, DrawsAllOperationsEvenly) {
  const Shape shape{9, 8, 3};
  const Bytes image = pattern(shape);
  std::map<Bytes, int> expected;  // results in which an operation can be seen
  for (int64_t i = 0; i < kRandOperationCount; ++i)
    for (bool negative : {false, true}) {
      Bytes result = image;
      apply(static_cast<RandOperation>(i), 20, negative, result.data(), shape);
      ++expected[result];
    }
  const Pipeline pipeline = Pipeline::parse("rand-augment 1 20");
  std::map<Bytes, int> seen;
  constexpr int kSamples = 14000;
  for (int64_t sample = 0; sample < kSamples; ++sample) {
    Bytes result = image, again = image;
    pipeline.finish(result.data(), shape, {1, 2}, sample);
    if (sample < 100) {
      pipeline.finish(again.data(), shape, {1, 2}, sample);
      ASSERT_EQ(again, result);
    }
    ++seen[result];
  }
  EXPECT_EQ(seen.size(), expected.size());
  for (const auto& [result, ways] : expected) EXPECT_NEAR(seen[result], 500 * ways, 105 * ways);
}

}  // namespace
}  // namespace d2l::data::test
