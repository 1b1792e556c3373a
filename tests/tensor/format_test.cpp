#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::device;

TEST(Format, WholeNumbersAlign) {
  EXPECT_EQ(arange(device(), 12).reshape({3, 4}).to_string(),
            "[[ 0.,  1.,  2.,  3.],\n"
            " [ 4.,  5.,  6.,  7.],\n"
            " [ 8.,  9., 10., 11.]]");
  EXPECT_EQ(from_list(device(), {1, -2}).to_string(), "[ 1., -2.]");
}

TEST(Format, FourDecimalsWhenNotWhole) {
  EXPECT_EQ(from_list(device(), {0.5f, -1, 100.25f}).to_string(), "[  0.5000,  -1.0000, 100.2500]");
}

TEST(Format, PowersOfTenWhenDecimalsWouldHideValues) {
  EXPECT_EQ(from_list(device(), {1e-6f, 0}).to_string(), "[1.0000e-06, 0.0000e+00]");
  EXPECT_EQ(from_list(device(), {0.5f, 2e4f}).to_string(), "[5.0000e-01, 2.0000e+04]");
  EXPECT_EQ(from_list(device(), {1e9f}).to_string(), "[1.0000e+09]");
}

TEST(Format, NotANumberAndInfinity) {
  EXPECT_EQ(from_list(device(), {1, NAN, -INFINITY}).to_string(), "[  1.,  nan, -inf]");
}

TEST(Format, IntegersHaveNoPoint) {
  EXPECT_EQ(from_vector<int64_t>(device(), {2}, {-5, (int64_t{1} << 53) + 1}).to_string(),
            "[              -5, 9007199254740993]");
  EXPECT_EQ(ones(device(), {2}, DType::u8).to_string(), "[1, 1]");
  EXPECT_EQ(from_vector<double>(device(), {1}, {2.5}).to_string(), "[2.5000]");
}

TEST(Format, ScalarsAndEmptyTensors) {
  EXPECT_EQ(full(device(), {}, 66).to_string(), "66.");
  EXPECT_EQ(full(device(), {}, 3.25).to_string(), "3.2500");
  EXPECT_EQ(zeros(device(), {0}).to_string(), "[]");
  EXPECT_EQ(zeros(device(), {0, 3}).to_string(), "[] of shape [0, 3]");
}

TEST(Format, BlankLinesBetweenMatrices) {
  EXPECT_EQ(arange(device(), 8).reshape({2, 2, 2}).to_string(),
            "[[[0., 1.],\n"
            "  [2., 3.]],\n"
            "\n"
            " [[4., 5.],\n"
            "  [6., 7.]]]");
}

TEST(Format, LongRowsAreWrapped) {
  std::string text = full(device(), {30}, 1.5).to_string();
  EXPECT_EQ(text,
            "[1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,\n"
            " 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,\n"
            " 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,\n"
            " 1.5000, 1.5000, 1.5000]");
}

TEST(Format, SummarisesAboveAThousandElements) {
  EXPECT_EQ(arange(device(), 1001).to_string(), "[   0.,    1.,    2.,  ...,  998.,  999., 1000.]");
  EXPECT_EQ(arange(device(), 1000).to_string().find("..."), std::string::npos);
  EXPECT_EQ(arange(device(), 5000, DType::i64).reshape({1000, 5}).to_string(),
            "[[   0,    1,    2,    3,    4],\n"
            " [   5,    6,    7,    8,    9],\n"
            " [  10,   11,   12,   13,   14],\n"
            " ...,\n"
            " [4985, 4986, 4987, 4988, 4989],\n"
            " [4990, 4991, 4992, 4993, 4994],\n"
            " [4995, 4996, 4997, 4998, 4999]]");
}

TEST(Format, GoesToStreams) {
  std::ostringstream stream;
  stream << "x = " << from_list(device(), {1, 2});
  EXPECT_EQ(stream.str(), "x = [1., 2.]");
}

}  // namespace
}  // namespace d2l
