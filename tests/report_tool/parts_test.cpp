#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "launcher/report_tool/curve.h"
#include "launcher/report_tool/html.h"

namespace d2l::report_tool {
namespace {

TEST(Html, AnyTextCanBeContentAndAttribute) {
  EXPECT_EQ(escaped("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(escaped("\xff\n"), "\\xff\\n");
  EXPECT_EQ(escaped("größe"), "größe");
}

TEST(Html, AnyTextCanBeAString) {
  EXPECT_EQ(json_text("a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(json_text("</script>"), "\"\\u003c/script>\"");
  EXPECT_EQ(json_text("\xff\n"), "\"\\\\xff\\\\n\"");
}

TEST(Html, NumbersAreThoseOfJson) {
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(1234567), "1.23457e+06");
  EXPECT_EQ(json_number(1234567, 15), "1234567");
  EXPECT_EQ(json_number(std::nan("")), "null");
  EXPECT_EQ(json_number(std::numeric_limits<double>::infinity()), "null");
}

TEST(Curves, AFewPointsStay) {
  Curve curve;
  for (int i = 0; i < 100; ++i) curve.add(i, i % 7);
  const Drawn same = thinned(curve, 100);
  EXPECT_EQ(same.line.steps, curve.steps);
  EXPECT_EQ(same.line.values, curve.values);
  EXPECT_TRUE(same.extremes.empty());
}

TEST(Curves, ManyPointsKeepTheirShape) {
  Curve curve;
  for (int i = 0; i < 1'000'000; ++i) curve.add(i + 1, std::sin(i * 1e-5));
  curve.values[123'456] = 50;
  curve.values[777'777] = -50;
  const Drawn drawn = thinned(curve, 1000);
  const Curve& few = drawn.extremes;
  EXPECT_LE(few.size(), 1000u);
  EXPECT_GT(few.size(), 900u);
  EXPECT_TRUE(std::is_sorted(few.steps.begin(), few.steps.end()));
  EXPECT_EQ(few.steps.front(), 1);
  EXPECT_EQ(few.steps.back(), 1'000'000);
  EXPECT_EQ(few.values.back(), curve.values.back());
  const auto highest = std::max_element(few.values.begin(), few.values.end());
  EXPECT_EQ(*highest, 50);
  EXPECT_EQ(few.steps[static_cast<size_t>(highest - few.values.begin())], 123'457);
  EXPECT_EQ(*std::min_element(few.values.begin(), few.values.end()), -50);
}

TEST(Curves, TheLineIsThatOfTheAverages) {
  Curve curve;
  for (int i = 0; i < 1000; ++i) curve.add(i, i % 2 == 0 ? i : -i);
  const Drawn drawn = thinned(curve, 12);  // 5 parts of 200 points
  EXPECT_EQ(drawn.line.steps, (std::vector<double>{100, 300, 500, 700, 900}));
  for (const double average : drawn.line.values) EXPECT_NEAR(average, -0.5, 1e-9);
  EXPECT_EQ(drawn.extremes.steps,
            (std::vector<double>{0, 198, 199, 398, 399, 598, 599, 798, 799, 998, 999, 999}));
}

TEST(Curves, ALevelCurveNeedsOnePointForEachPart) {
  Curve curve;
  for (int i = 0; i < 1000; ++i) curve.add(i, 3);
  EXPECT_EQ(thinned(curve, 100).extremes.size(), 2u + 49u);
}

}  // namespace
}  // namespace d2l::report_tool
