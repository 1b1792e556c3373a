#include <gmock/gmock.h>

#include "data/packing/list_file.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;
using testing::HasSubstr;

std::vector<ListLine> parsed(const std::string& text) { return parse_list(text, "list"); }
std::string error_of(const std::string& text) {
  return message_of([&] { parse_list(text, "list"); });
}

TEST(List, CsvHasPathAndLabel) {
  EXPECT_THAT(parsed("a.jpg,cat\r\n\"b,c.jpg\",\"a \"\"dog\"\"\"\n\n d.jpg , cat"),
              ElementsAre(FieldsAre("a.jpg", "cat", 1), FieldsAre("b,c.jpg", "a \"dog\"", 2),
                          FieldsAre("d.jpg", "cat", 4)));
}

TEST(List, AHeaderNamesTheColumns) {
  EXPECT_THAT(parsed("\xEF\xBB\xBFindex,Label,width,Path\n0,3,20,x/1.png\n"),
              ElementsAre(FieldsAre("x/1.png", "3", 2)));
}

TEST(List, TextSeparatesByTheLastBlankOrTab) {
  EXPECT_THAT(parsed("train/my cat.jpg 3\nb.jpg   4\n"),
              ElementsAre(FieldsAre("train/my cat.jpg", "3", 1), FieldsAre("b.jpg", "4", 2)));
  EXPECT_THAT(parsed("a b.jpg\tsea lion\n"), ElementsAre(FieldsAre("a b.jpg", "sea lion", 1)));
}

TEST(List, AQuotedFieldMayHaveSeveralLines) {
  EXPECT_THAT(parsed("\"a\nb\",1\nc,2\n"),
              ElementsAre(FieldsAre("a\nb", "1", 1), FieldsAre("c", "2", 3)));
}

TEST(List, ErrorsNameTheLine) {
  EXPECT_EQ(error_of(""), "list: expected lines with a path and a label, found none");
  EXPECT_EQ(error_of("a,1\nb\n"), "list, line 2: expected 2 columns, found 1");
  EXPECT_EQ(error_of("a,1\n\nb,1,2\n"), "list, line 3: expected 2 columns, found 3");
  EXPECT_EQ(error_of("a,1\n,2\n"), "list, line 2: expected a path and a label, found no path");
  EXPECT_EQ(error_of("a,1\nb,\n"), "list, line 2: expected a path and a label, found no label");
  EXPECT_EQ(error_of("a 1\nb\n"), "list, line 2: expected a path and a label, found b");
  EXPECT_THAT(error_of("a,b,c\n"),
              HasSubstr("line 1: expected two columns, path and label, or a "));
  EXPECT_THAT(error_of("a,1\n\"b,2\nc,3\n"), HasSubstr("line 2: expected '\"' at the end of the"));
  EXPECT_THAT(error_of("\"a\"b,1\n"), HasSubstr("line 1: expected ',' or the end of the line"));
  EXPECT_THAT(error_of("a\"b,1\n"), HasSubstr("line 1: expected a quoted field to begin with"));
  EXPECT_THAT(error_of(std::string("a,1\nb\0,2\n", 9)),
              HasSubstr("line 2: expected text, found a"));
  EXPECT_THAT(error_of("a,1\n" + std::string(20000, 'x') + ",2"), HasSubstr("line 2: expected a "));
  EXPECT_THAT(error_of("a,1\n" + std::string(5000, 'x') + ",2"),
              HasSubstr("of at most 4096 bytes"));
}

TEST(List, RandomBytesAreALineOrAnError) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::vector<uint8_t> bytes = noise(seed % 64, seed);
    const std::string kinds = "\",\n\r\t 1a";
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(kinds[byte % kinds.size()]);
    try {
      for (const ListLine& line :
           parse_list({reinterpret_cast<char*>(bytes.data()), bytes.size()}, "list")) {
        ASSERT_FALSE(line.path.empty());
        ASSERT_FALSE(line.label.empty());
        ASSERT_GE(line.number, 1);
      }
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), testing::StartsWith("list"));
    }
  }
}

Lists lists(const std::string& train, const std::string& test = "") {
  Lists both;
  both.train = parsed(train);
  if (!test.empty()) both.test = parsed(test);
  both.train_name = "train.csv";
  both.test_name = "test.csv";
  return both;
}

std::string content_error(const Lists& both) {
  return message_of([&] { content_of_lists(both); });
}

TEST(List, LabelsAreNumbersIfAllAre) {
  const SourceContent content = content_of_lists(lists("a,2\nb,0\n"));
  EXPECT_EQ(content.info.classes, 3);
  EXPECT_TRUE(content.info.class_names.empty());
  ASSERT_EQ(content.train.size(), 2U);
  EXPECT_EQ(content.train[0].label, 2);
  EXPECT_EQ(content.train[1].label, 0);
}

TEST(List, NamesAreNumberedInOrder) {
  const SourceContent content = content_of_lists(lists("a,dog\nb,10\nc,dog\n", "d,10\n"));
  EXPECT_THAT(content.info.class_names, ElementsAre("10", "dog"));
  EXPECT_EQ(content.train[0].label, 1);
  EXPECT_EQ(content.train[1].label, 0);
  EXPECT_EQ(content.test[0].label, 0);
}

TEST(List, WrongLabelsAndPathsAreNamed) {
  EXPECT_EQ(content_error(lists("a,0\nb,-1\n")),
            "train.csv, line 2: expected a label from 0 to 1048575, found -1");
  EXPECT_EQ(content_error(lists("a,0\nb,99999999999999999999\n")),
            "train.csv, line 2: expected a label from 0 to 1048575, found 99999999999999999999");
  EXPECT_EQ(content_error(lists("a,0\nb,1\n", "c,2\n")),
            "test.csv, line 1: expected a class of train.csv, whose labels are 0 to 1, found 2");
  EXPECT_EQ(content_error(lists("a,cat\nb,dog\n", "c,cow\n")),
            "test.csv, line 1: expected a class of train.csv, found cow");
  EXPECT_EQ(content_error(lists("a,0\nb,1\n./a,1\n")), "train.csv, line 3: ./a is also in line 1");
  EXPECT_EQ(content_error(lists("a,cat\nb,cat\n")),
            "train.csv: expected at least two classes, found only the label cat");
}

}  // namespace
}  // namespace d2l::data::test
