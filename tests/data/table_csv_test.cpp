#include <gmock/gmock.h>

#include "tests/data/table_support.h"

namespace d2l::data::test {
namespace {

std::string error_of(const std::string& text) {
  return message_of([&] { records_of(text); });
}

TEST(TableCsv, ReadsRecordsInAllForms) {
  const Records expected{{"a", "b"}, {"1", "2"}, {"3", "4"}};
  EXPECT_EQ(records_of("a,b\n1,2\n3,4\n"), expected);
  EXPECT_EQ(records_of("a,b\r\n1,2\r\n3,4"), expected);
  EXPECT_EQ(records_of("\xEF\xBB\xBF\"a\";b\n1 ;2\n\n  \n\t3;4\n\n"), expected);
  EXPECT_EQ(records_of("\na\tb\n1\t2\n3\t\"4\""), expected);
}

TEST(TableCsv, ReadsQuotedFields) {
  const Records expected{{"a", "b, c"}, {"x\"y\"", "two\r\nlines, \"1\""}, {"", ""}};
  EXPECT_EQ(records_of("a,\"b, c\"\n\"x\"\"y\"\"\",\"two\r\nlines, \"\"1\"\"\"\n,\"\"\n"),
            expected);
}

TEST(TableCsv, BlanksAroundFieldsMeanNothing) {
  const Records expected{{"a", "b"}, {"x, y", "1"}, {"", "2"}};
  EXPECT_EQ(records_of(" a , \"b\" \n \" x, y\"\t,1\n , 2\n"), expected);
  EXPECT_EQ(records_of("a\n\"\"\n \n\"\" \n"), (Records{{"a"}, {""}, {""}}));
}

TEST(TableCsv, PiecesOfTheFileDoNotMatter) {
  const std::string text = "a,\"b, c\"\r\n\"x\"\"y\"\"\",\"two\r\nlines\"\r\n1,2\r\n";
  for (size_t piece = 1; piece < text.size(); ++piece)
    EXPECT_EQ(records_of("a,b\n" + text, piece), records_of("a,b\n" + text)) << piece;
}

TEST(TableCsv, CountsLines) {
  CsvReader reader("t.csv", text_source("a,b\n\n1,\"x\ny\"\n\n2,3\n"));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.place(), "t.csv, line 3");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.line(), 6);
  EXPECT_FALSE(reader.next());
}

TEST(TableCsv, FindsTheSeparator) {
  EXPECT_EQ(CsvReader("t", text_source("a;b;c,d\n")).separator(), ';');
  EXPECT_EQ(CsvReader("t", text_source("\"a,b,c\"\td\n1,2,3,4\n")).separator(), '\t');
  EXPECT_EQ(CsvReader("t", text_source("price\n1;2\n")).separator(), ',');
}

TEST(TableCsv, NamesColumnsWithoutName) {
  CsvReader reader("t", text_source(",a,\n0,1,2\n"));
  EXPECT_EQ(reader.header(), (std::vector<std::string>{"column 1", "a", "column 3"}));
  EXPECT_EQ(reader.unnamed(), 2);
  EXPECT_EQ(reader.find("a"), 1U);
  EXPECT_FALSE(reader.find("b").has_value());
}

TEST(TableCsv, ErrorsNameLineAndCause) {
  EXPECT_EQ(error_of("a,b\n1,2\n1,2,3\n"),
            "t.csv, line 3: expected 2 fields separated by ',', as in the header, found 3");
  EXPECT_EQ(error_of("a,b\n1,2\n1\n"),
            "t.csv, line 3: expected 2 fields separated by ',', as in the header, found 1");
  EXPECT_EQ(error_of("a,b\n1,5\" nail\n"),
            "t.csv, line 2: expected '\"' only around a whole field, found one after '5'");
  EXPECT_EQ(error_of("a,b\n1,\"x\ny\"z\n"),
            "t.csv, line 3: expected ',' or the end of the line after a quoted field, found 'z'");
  EXPECT_EQ(error_of("a,b\n\n1,\"x\ny\n"),
            "t.csv, line 3: expected '\"' at the end of the quoted field, found the end of the "
            "file");
  EXPECT_EQ(error_of("a,b\r1,2\r"),
            "t.csv, line 1: expected lines that end with LF or CRLF, found CR without LF");
  EXPECT_EQ(error_of(std::string("a,b\n1,\0\n", 8)),
            "t.csv, line 2: expected text, found a zero byte");
}

TEST(TableCsv, ErrorsOfTheHeader) {
  EXPECT_EQ(error_of(""),
            "t.csv: expected a header with the names of the columns, found an empty file");
  EXPECT_EQ(error_of("a,b,a\n"),
            "t.csv, line 1: expected columns of different names, found 'a' twice");
  EXPECT_EQ(error_of(",,\n1,2,3\n"),
            "t.csv, line 1: expected a header with the names of the columns, found only empty "
            "names");
  EXPECT_EQ(error_of("a,\"b\nc\"\n"),
            "t.csv, line 1: expected names of columns without control characters, found 'b\\nc'");
}

TEST(TableCsv, OtherFormatsAreNamed) {
  EXPECT_EQ(error_of("\xFF\xFE"
                     "a"),
            "t.csv: expected a CSV file, found UTF-16 text; save it as UTF-8");
  EXPECT_EQ(error_of("\x1F\x8B\x08"),
            "t.csv: expected a CSV file, found a file compressed with gzip; decompress it");
  EXPECT_EQ(error_of("PK\x03\x04"),
            "t.csv: expected a CSV file, found a ZIP archive or a spreadsheet; save the table as "
            "CSV");
}

TEST(TableCsv, MemoryIsLimited) {
  EXPECT_THAT(error_of("a,b\n1,\"" + std::string(17 << 20, 'x')),
              testing::StartsWith("t.csv, line 2: expected a record of at most 16.0 MiB"));
  EXPECT_THAT(error_of("a" + std::string(200'000, ',')),
              testing::StartsWith("t.csv, line 1: expected at most 100000 columns"));
}

TEST(TableCsv, ReadsFiles) {
  const TemporaryFolder folder;
  std::string text = "a,b\n";
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + ",\"x,y\"\n";
  write_text(folder.path() / "t.csv", text);
  CsvReader reader(folder.path() / "t.csv");
  int64_t sum = 0;
  while (reader.next()) sum += std::stoll(reader.fields()[0]);
  EXPECT_EQ(sum, int64_t{99'999} * 50'000);
  EXPECT_THAT(message_of([&] { CsvReader(folder.path()); }), testing::HasSubstr("is a folder"));
  EXPECT_THAT(message_of([&] { CsvReader(folder.path() / "none.csv"); }),
              testing::HasSubstr("No such file"));
}

TEST(TableCsv, SplitsLists) {
  EXPECT_EQ(CsvReader::split("--ignore", "a, \"b, c\",d;e"),
            (std::vector<std::string>{"a", "b, c", "d;e"}));
  EXPECT_TRUE(CsvReader::split("--ignore", "").empty());
  EXPECT_THROW(CsvReader::split("--ignore", "a\nb"), Error);
}

}  // namespace
}  // namespace d2l::data::test
