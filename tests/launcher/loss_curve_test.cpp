#include "launcher/loss_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sstream>

#include "tests/support/support.h"

namespace d2l {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The dots of the character at (row, column): the low byte of its code point in U+2800.
int dots_at(const std::string& line, int column) {
  size_t begin = line.find("\xE2\xA0");
  for (const char* second : {"\xE2\xA1", "\xE2\xA2", "\xE2\xA3"})
    begin = std::min(begin, line.find(second));
  size_t at = begin + 3 * static_cast<size_t>(column);
  return (static_cast<uint8_t>(line.at(at + 1)) & 3) << 6 |
         (static_cast<uint8_t>(line.at(at + 2)) & 0x3F);
}

TEST(LossCurve, FallsFromTheTopLeftToTheBottomRight) {
  std::vector<double> losses;
  for (int i = 0; i < 1000; ++i) losses.push_back(2.5 - 0.002 * i);
  auto lines = lines_of(loss_curve(losses, {.columns = 32, .height = 5}));
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(dots_at(lines[0], 0) & 0x01, 0x01);   // the upper left dot
  EXPECT_EQ(dots_at(lines[4], 19) & 0x80, 0x80);  // the lower right dot
  EXPECT_EQ(dots_at(lines[4], 0), 0);
  EXPECT_EQ(dots_at(lines[0], 19), 0);
  // 25 neighbours are averaged: the end points are 12 steps inside.
  EXPECT_NE(lines[0].find("2.476"), std::string::npos) << lines[0];
  EXPECT_NE(lines[4].find("0.526"), std::string::npos) << lines[4];
  EXPECT_EQ(lines[6].substr(lines[6].find_first_not_of(' '), 1), "1");
  EXPECT_EQ(lines[6].substr(lines[6].size() - 4), "1000");
}

TEST(LossCurve, FewPointsAreJoinedInEveryColumn) {
  auto lines = lines_of(loss_curve({1.0, 0.0, 1.0}, {.columns = 22, .height = 4}));
  ASSERT_EQ(lines.size(), 6u);
  for (int column = 0; column < 10; ++column) {
    int dots = 0;
    for (size_t row = 0; row < 4; ++row) dots |= dots_at(lines[row], column);
    EXPECT_NE(dots & 0x47, 0) << column;  // the left four
    EXPECT_NE(dots & 0xB8, 0) << column;  // the right four
  }
}

TEST(LossCurve, LevelAndOddInputs) {
  EXPECT_EQ(loss_curve({}, {}), "");
  EXPECT_EQ(loss_curve({std::numeric_limits<double>::quiet_NaN()}, {}), "");
  EXPECT_EQ(lines_of(loss_curve({0.5}, {})).size(), 14u);
  auto lines = lines_of(loss_curve({0.5, std::numeric_limits<double>::infinity(), 0.5},
                                   {.columns = 20, .height = 3}));
  EXPECT_NE(lines[1].find("0.5"), std::string::npos);
  EXPECT_NE(dots_at(lines[1], 0), 0);
  EXPECT_EQ(dots_at(lines[0], 0), 0);
  EXPECT_EQ(test::message_of([] { loss_curve({1.0}, {.height = 1}); }),
            "loss_curve: expected at least 2 lines, found 1");
}

size_t characters(const std::string& line) {
  return static_cast<size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

TEST(LossCurve, IsNeverWiderThanTheTerminal) {
  const std::vector<double> losses(123456789 / 100000, 0.5);
  for (const int columns : {20, 21, 40, 72, 80, 300})
    for (const bool utf8 : {false, true}) {
      const std::vector<std::string> lines =
          lines_of(loss_curve(losses, {.columns = columns, .utf8 = utf8}));
      ASSERT_EQ(lines.size(), 14u) << columns;
      const auto expected = static_cast<size_t>(std::min(columns, 72));
      for (const std::string& line : lines) EXPECT_EQ(characters(line), expected) << line;
    }
  EXPECT_EQ(loss_curve(losses, {.columns = 19}), "");
  EXPECT_EQ(loss_curve(losses, {.columns = 0}), "");
}

TEST(LossCurve, InAscii) {
  EXPECT_EQ(loss_curve({4, 3, 2, 1}, {.columns = 20, .height = 3, .utf8 = false}),
            "         4 +'-.     \n"
            "           |  ''..  \n"
            "         1 +     '-.\n"
            "           +--------\n"
            "            1      4\n");
}

}  // namespace
}  // namespace d2l
