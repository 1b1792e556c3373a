#include "framework/base/checksum.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace d2l {
namespace {

uint64_t of(const std::string& text) { return checksum(text.data(), text.size()); }

// Published values of XXH64 with seed 0.
TEST(Checksum, IsXxh64) {
  EXPECT_EQ(of(""), 0xEF46DB3751D8E999ull);
  EXPECT_EQ(of("a"), 0xD24EC4F1A98C6E5Bull);
  EXPECT_EQ(of("abc"), 0x44BC2CF5AD770999ull);
  EXPECT_EQ(of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1ull);
  EXPECT_EQ(of("The quick brown fox jumps over the lazy dog"), 0x0B242D361FDA71BCull);
}

// The examples of RFC 3720, B.4, and the check value of the CRC catalogue.
TEST(Checksum, Crc32cIsThatOfTheRfc) {
  const auto crc = [](const std::string& text) { return crc32c(text.data(), text.size()); };
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(crc(""), 0u);
  EXPECT_EQ(crc("123456789"), 0xe3069283u);
  EXPECT_EQ(crc(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc(rising), 0x46dd794eu);
  EXPECT_EQ(crc({rising.rbegin(), rising.rend()}), 0x113fdb5cu);
}

TEST(Checksum, EveryBitOfEveryLengthCounts) {
  for (size_t length = 1; length <= 100; ++length) {
    std::vector<uint8_t> bytes(length);
    std::iota(bytes.begin(), bytes.end(), uint8_t{7});
    uint64_t whole = checksum(bytes.data(), length);
    EXPECT_NE(checksum(bytes.data(), length - 1), whole);
    for (size_t bit = 0; bit < 8 * length; ++bit) {
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_NE(checksum(bytes.data(), length), whole) << "bit " << bit << " of " << length;
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
  }
}

TEST(Checksum, Text) {
  EXPECT_EQ(checksum_text(0), "0000000000000000");
  EXPECT_EQ(checksum_text(0x0123456789ABCDEFull), "0123456789abcdef");
}

}  // namespace
}  // namespace d2l
