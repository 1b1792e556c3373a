#include "data/transform/resize.h"

#include <algorithm>
#include <cmath>

#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes resized(const Shape& from, const Shape& to, const Bytes& image) {
  Bytes result(static_cast<size_t>(to.elements()));
  Resize::Workspace workspace;
  Resize(from, to).apply(image.data(), result.data(), workspace);
  return result;
}

// The image for which Pillow gave the sums below.
Bytes pattern(const Shape& shape) {
  Bytes bytes(static_cast<size_t>(shape.elements()));
  for (uint64_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>((i * i * 31 + i * 7919) % 257 % 256);
  return bytes;
}

struct Case {
  Shape from, to;
  uint64_t sum;  // over i of (i % 1009 + 1) * byte i of the result
};

// Image.resize(..., Image.BILINEAR) of Pillow 12.3.0.
const Case kPillow[] = {
    {{28, 28, 1}, {224, 224, 1}, 3183256089},
    {{28, 28, 1}, {96, 96, 1}, 582967273},
    {{32, 32, 3}, {224, 224, 3}, 9637789502},
    {{300, 200, 3}, {96, 96, 3}, 1757675971},
    {{13, 29, 1}, {7, 50, 1}, 7844183},
    {{5, 3, 3}, {1, 1, 3}, 567},
    {{1, 1, 1}, {4, 3, 1}, 0},
    {{28, 28, 1}, {28, 14, 1}, 9772713},
    {{50, 40, 3}, {49, 41, 3}, 384925782},
    {{28, 28, 1}, {28, 28, 1}, 39086315},
};

uint64_t sum_of(const Bytes& result) {
  uint64_t sum = 0;
  for (size_t i = 0; i < result.size(); ++i) sum += (i % 1009 + 1) * result[i];
  return sum;
}

TEST(Resize, GivesPillowsBytes) {
  EXPECT_EQ(resized({2, 2, 1}, {4, 4, 1}, {0, 100, 200, 50}),
            (Bytes{0, 25, 75, 100, 50, 60, 78, 88, 150, 129, 85, 63, 200, 163, 88, 50}));
  Bytes steps(16);
  for (size_t i = 0; i < 16; ++i) steps[i] = static_cast<uint8_t>(10 * i);
  EXPECT_EQ(resized({4, 4, 1}, {2, 2, 1}, steps), (Bytes{36, 52, 98, 114}));
  for (const Case& c : kPillow) {
    EXPECT_EQ(sum_of(resized(c.from, c.to, pattern(c.from))), c.sum) << c.from << " -> " << c.to;
  }
}

// Rows become columns.
Bytes transposed(const Shape& shape, const Bytes& image) {
  Bytes result;
  for (int64_t x = 0; x < shape[1]; ++x)
    for (int64_t y = 0; y < shape[0]; ++y)
      for (int64_t c = 0; c < shape[2]; ++c)
        result.push_back(image[static_cast<size_t>((y * shape[1] + x) * shape[2] + c)]);
  return result;
}

Shape transposed(const Shape& shape) { return {shape[1], shape[0], shape[2]}; }

struct TwoVersions {
  Shape from, to;
  uint64_t sum, sum_of_13;  // of Pillow 12.3.0 and 13.0.0
};

// If the height shrinks by more than twice as much as the width, Pillow 13 mixes columns first.
const TwoVersions kColumnsFirst[] = {
    {{60, 40, 1}, {50, 50, 1}, 144003029, 143996269},
    {{300, 150, 3}, {96, 96, 3}, 1757607326, 1757629826},
    {{120, 33, 3}, {32, 32, 3}, 194224649, 194166959},
    {{13, 29, 1}, {7, 50, 1}, 7844183, 7843628},
};

TEST(Resize, DiffersFromPillow13InTheOrderAlone) {
  for (const TwoVersions& c : kColumnsFirst) {
    const Bytes image = pattern(c.from), result = resized(c.from, c.to, image);
    const Bytes columns_first = transposed(
        transposed(c.to), resized(transposed(c.from), transposed(c.to), transposed(c.from, image)));
    EXPECT_EQ(sum_of(result), c.sum) << c.from << " -> " << c.to;
    EXPECT_EQ(sum_of(columns_first), c.sum_of_13) << c.from << " -> " << c.to;
    for (size_t i = 0; i < result.size(); ++i) ASSERT_NEAR(result[i], columns_first[i], 1);
  }
}

// The weight of each pixel of an axis for pixel `i` of the result.
std::vector<double> triangle(int64_t from, int64_t to, int64_t i) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(scale, 1.0);
  std::vector<double> weights(static_cast<size_t>(from));
  double sum = 0;
  for (int64_t at = 0; at < from; ++at) {
    const double distance =
        (static_cast<double>(at) + 0.5 - (static_cast<double>(i) + 0.5) * scale) / reach;
    sum += weights[at] = std::max(0.0, 1 - std::abs(distance));
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

TEST(Resize, IsWithinRoundingOfTheFormula) {
  for (const Case& c : kPillow) {
    const Bytes image = pattern(c.from), result = resized(c.from, c.to, image);
    for (int64_t i = 0; i < c.to.elements(); i += 7) {
      const int64_t channel = i % c.to[2], x = i / c.to[2] % c.to[1], y = i / c.to[2] / c.to[1];
      const std::vector<double> rows = triangle(c.from[0], c.to[0], y);
      const std::vector<double> columns = triangle(c.from[1], c.to[1], x);
      double expected = 0;
      for (int64_t v = 0; v < c.from[0]; ++v)
        for (int64_t u = 0; u < c.from[1]; ++u)
          expected += rows[v] * columns[u] * image[(v * c.from[1] + u) * c.from[2] + channel];
      // half a step from the rows, half from the columns, and the weights' rounding
      ASSERT_NEAR(result[i], expected, 1.01) << c.from << " -> " << c.to << " at " << i;
    }
  }
}

TEST(Resize, KeepsWhatItMust) {
  for (const Case& c : kPillow) {
    const Bytes grey(static_cast<size_t>(c.from.elements()), 201);
    for (uint8_t byte : resized(c.from, c.to, grey)) ASSERT_EQ(byte, 201) << c.from << c.to;
    EXPECT_EQ(resized(c.from, c.from, pattern(c.from)), pattern(c.from));
  }
  // white stays white: no sum overflows
  for (uint8_t byte : resized({200, 300, 1}, {7, 9, 1}, Bytes(60000, 255))) EXPECT_EQ(byte, 255);
}

TEST(Resize, IsSymmetric) {
  for (const Case& c : {kPillow[0], kPillow[1], Case{{30, 20, 1}, {12, 9, 1}, 0}}) {
    Bytes image = pattern(c.from);
    Bytes turned = resized(c.from, c.to, image);
    std::reverse(image.begin(), image.end());  // rotation by 180 degrees
    std::reverse(turned.begin(), turned.end());
    EXPECT_EQ(resized(c.from, c.to, image), turned) << c.from << " -> " << c.to;
  }
}

TEST(Resize, OneWorkspaceServesAllSizes) {
  Resize::Workspace workspace;
  for (const Case& c : kPillow) {
    const Bytes image = pattern(c.from);
    Bytes result(static_cast<size_t>(c.to.elements()));
    Resize(c.from, c.to).apply(image.data(), result.data(), workspace);
    EXPECT_EQ(result, resized(c.from, c.to, image));
  }
}

TEST(Resize, RefusesWhatIsNoImage) {
  EXPECT_EQ(message_of([] {
              Resize({4, 4, 3}, {2, 2, 1});
            }),
            "resize: expected images [height, width, channels] of the same channels, found "
            "[4, 4, 3] and [2, 2, 1]");
  EXPECT_THROW(Resize({4, 0, 3}, {2, 2, 3}), Error);
  EXPECT_THROW(Resize({4, 4}, {2, 2}), Error);
}

}  // namespace
}  // namespace d2l::data::test
