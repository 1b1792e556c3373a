#include "framework/base/text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "framework/base/dtype.h"
#include "framework/base/error.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

TEST(Text, NearestForgivesTypingErrors) {
  const std::vector<std::string> models = {"lenet", "resnet18", "alexnet", "vgg11"};
  EXPECT_EQ(nearest("lenett", models), "lenet");
  EXPECT_EQ(nearest("resent18", models), "resnet18");
  EXPECT_EQ(nearest("vgg11", models), "vgg11");
  EXPECT_EQ(nearest("transformer", models), "");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Text, NearestKnowsAbbreviations) {
  const std::vector<std::string> flags = {"--batch-size", "--lr", "--log-every", "--lars-eta"};
  EXPECT_EQ(nearest("--batch", flags), "--batch-size");
  EXPECT_EQ(nearest("--l", flags), "--lr");  // of three: the nearest
}

TEST(Text, UnknownNameSuggestsOrLists) {
  EXPECT_EQ(unknown_name("model", "lenett", {"lenet", "resnet18"}),
            "unknown model 'lenett', did you mean 'lenet'?");
  const std::string all = unknown_name("model", "zzzzzz", {"lenet", "resnet18"});
  EXPECT_NE(all.find("zzzzzz"), std::string::npos);
  EXPECT_NE(all.find("lenet"), std::string::npos);
  EXPECT_NE(all.find("resnet18"), std::string::npos);
}

TEST(Text, UnknownNameListsNotTooMuch) {
  EXPECT_EQ(unknown_name("flag", "zzzzzz", {"--lr", "--out"}, "d2l-train --help"),
            "unknown flag 'zzzzzz'; d2l-train --help lists all");
  EXPECT_EQ(unknown_name("flag", "--lrr", {"--lr", "--out"}, "d2l-train --help"),
            "unknown flag '--lrr', did you mean '--lr'?");
  std::vector<std::string> many;
  for (int i = 100; i < 200; ++i) many.push_back(std::to_string(i));
  const std::string some = unknown_name("number", "zzzzzz", many);
  EXPECT_EQ(some.substr(some.find(", 122")), ", 122, 123, 76 more");
}

TEST(Text, VisibleWritesOutWhatIsNotSeen) {
  const std::string plain = "plain: d\xc3\xa9j\xc3\xa0 vu, \xe5\x9b\xbe, \xf0\x9f\x98\x80 \\n";
  EXPECT_EQ(visible(plain), plain);
  EXPECT_EQ(visible("a\r\nb\tc\x1b[2Jd\x7f"), "a\\r\\nb\\tc\\x1b[2Jd\\x7f");
  EXPECT_EQ(visible(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(visible("\xef\xbb\xbflr\xc2\xa0=\xe2\x80\x8b"), "\\ufefflr\\u00a0=\\u200b");
  // not UTF-8: a lone byte, a truncated one, an overlong zero, a surrogate, a too large one
  EXPECT_EQ(visible("\xff|\xe5\x9b"), "\\xff|\\xe5\\x9b");
  EXPECT_EQ(visible("\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80"),
            "\\xc0\\x80|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80");
}

// An error stays one line, whatever text it quotes.
TEST(Text, ErrorsShowWhatTheyQuote) {
  EXPECT_EQ(message_of([] { fail("found '0.1\r'"); }), "found '0.1\\r'");
  EXPECT_EQ(message_of([] { throw UsageError("a\nb"); }), "a\\nb");
  EXPECT_EQ(message_of([] { fail(message_of([] { fail("\t"); })); }), "\\t");
}

TEST(Text, Join) {
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({"", "b"}, ", "), ", b");
}

TEST(Text, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(61706), "61,706");
  EXPECT_EQ(with_thousands(-123456), "-123,456");
  EXPECT_EQ(with_thousands(1234567890), "1,234,567,890");
}

TEST(Text, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(5242880), "5.0 MiB");
  EXPECT_EQ(human_bytes(uint64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(human_bytes(uint64_t{5000} << 40), "5000.0 TiB");
}

TEST(Text, Seconds) {
  EXPECT_EQ(human_seconds(0.25), "0.2s");
  EXPECT_EQ(human_seconds(59), "59.0s");
  EXPECT_EQ(human_seconds(61), "1m01s");
  EXPECT_EQ(human_seconds(3599), "59m59s");
  EXPECT_EQ(human_seconds(3725), "1h02m");
  EXPECT_EQ(human_seconds(360000), "100h00m");
}

TEST(Text, Fixed) {
  EXPECT_EQ(fixed(0.80851, 3), "0.809");
  EXPECT_EQ(fixed(-2, 0), "-2");
  EXPECT_EQ(fixed(1e6, 2), "1000000.00");
}

TEST(Text, RoundsToDigitsThatMatter) {
  const std::pair<double, const char*> cases[] = {
      {0, "0.000"},       {0.5413, "0.541"},     {0.1, "0.100"},       {0.01234, "0.0123"},
      {1e-4, "0.000100"}, {9e-5, "9.000e-05"},   {-0.05, "-0.0500"},   {12.3456, "12.346"},
      {999.9, "999.900"}, {28123.46, "28123.5"}, {1.5e9, "1.500e+09"}, {HUGE_VAL, "inf"}};
  for (const auto& [number, text] : cases) EXPECT_EQ(rounded(number), text);
}

TEST(DTypes, NamesAndSizes) {
  const std::vector<std::pair<DType, size_t>> sizes = {
      {DType::f32, 4}, {DType::f64, 8},  {DType::i32, 4}, {DType::i64, 8},
      {DType::u8, 1},  {DType::bf16, 2}, {DType::f16, 2}};
  for (auto [dtype, bytes] : sizes) {
    EXPECT_EQ(size_of(dtype), bytes);
    EXPECT_EQ(dtype_from(to_string(dtype)), dtype);
  }
  EXPECT_EQ(to_string(DType::i64), "i64");
  EXPECT_EQ(message_of([] { dtype_from("f8"); }),
            "unknown dtype 'f8', expected f32, f64, i32, i64, u8, bf16 or f16");
}

TEST(Text, LinesAndFields) {
  EXPECT_EQ(split_lines("a\n\nb\n"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_TRUE(split_lines("").empty());
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a, \"b\""), "\"a, \"\"b\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

}  // namespace
}  // namespace d2l::test
