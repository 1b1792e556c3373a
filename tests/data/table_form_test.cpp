#include "data/table/table_form.h"

#include <gmock/gmock.h>

#include "tests/data/mutation.h"
#include "tests/data/table_support.h"

namespace d2l::data::test {
namespace {

TableFormParts small_parts() {
  TableFormParts parts;
  parts.target = {.name = "kind of \"x\"", .classes = {"a\\b", "c"}};
  parts.id_column = "Id";
  parts.ignored = {"u", "v w"};
  parts.drops_rows = true;
  parts.columns = {
      {.name = "n", .mean = 0.1, .deviation = 1e-300, .replacement = -3},
      {.name = "c", .kind = TableColumn::Kind::category, .categories = {"", "x \xC3\xA4"}},
      {.name = "m", .kind = TableColumn::Kind::category}};
  return parts;
}

constexpr const char* kSmallText =
    "d2l-table 1\n"
    "target-classes \"kind of \\\"x\\\"\" \"a\\\\b\" \"c\"\n"
    "id \"Id\"\n"
    "missing \"NA\" \"N/A\" \"NaN\" \"nan\" \"null\" \"NULL\"\n"
    "ignored \"u\" \"v w\"\n"
    "drops-rows\n"
    "number \"n\" 0.1 1e-300 -3\n"
    "category \"c\" \"\" \"x \xC3\xA4\"\n"
    "category \"m\"\n";

TEST(TableForm, IsTheSameAfterItsText) {
  const TableForm form(small_parts());
  EXPECT_EQ(form.text(), kSmallText);
  EXPECT_EQ(form.values(), 1 + 3 + 1);
  const TableForm parsed = TableForm::parse(kSmallText);
  EXPECT_EQ(parsed.text(), kSmallText);
  EXPECT_EQ(parsed.values(), 5);
  EXPECT_EQ(parsed.target().classes, (std::vector<std::string>{"a\\b", "c"}));
  EXPECT_EQ(parsed.columns()[0].mean, 0.1);
  EXPECT_EQ(parsed.columns()[1].categories[1], "x \xC3\xA4");
  EXPECT_EQ(parsed.id_column(), "Id");
  EXPECT_TRUE(parsed.parts().drops_rows);
}

TEST(TableForm, KnowsMissingFields) {
  TableFormParts parts = small_parts();
  EXPECT_TRUE(TableForm(parts).is_missing("NA"));
  EXPECT_TRUE(TableForm(parts).is_missing(""));
  EXPECT_FALSE(TableForm(parts).is_missing("None"));
  parts.missing = {"?"};
  EXPECT_TRUE(TableForm(parts).is_missing("?"));
  EXPECT_TRUE(TableForm(parts).is_missing(""));
  EXPECT_FALSE(TableForm(parts).is_missing("NA"));
}

std::string parse_error(const std::string& lines) {
  return message_of([&] { TableForm::parse(lines); });
}

TEST(TableForm, DamagedTextIsRefused) {
  const std::string begin = "the form of a table is damaged: ";
  const std::string target = "d2l-table 1\ntarget-numbers \"y\" 0 1\n";
  EXPECT_EQ(parse_error("d2l-table 2\n"),
            begin + "line 1: expected 'd2l-table 1', found 'd2l-table 2'");
  EXPECT_EQ(parse_error(""), begin + "expected a target column, found none");
  EXPECT_EQ(parse_error(target + "number \"a\" 0 1 0"), begin + "line 3: expected LF at its end");
  EXPECT_EQ(parse_error(target + "number \"a\" 0 inf 0\n"),
            begin + "line 3: expected a finite number, found 'inf 0'");
  EXPECT_EQ(parse_error(target + "number \"a\" 0 1 0 0\n"),
            begin + "line 3: expected the end of the line, found ' 0'");
  EXPECT_EQ(parse_error(target + "category \"a\" \"b\n"),
            begin + "line 3: expected '\"' at the end of a name, found ' \"b'");
  EXPECT_EQ(parse_error(target + "numbers \"a\" 0 1 0\n"),
            begin + "line 3: expected a line of the form of a table, found ' \"a\" 0 1 0'");
  EXPECT_EQ(parse_error(target + "number \"a\" 0 -1 0\n"),
            begin +
                "column 'a': expected finite numbers as mean, deviation and replacement, found "
                "0, -1, 0");
  EXPECT_EQ(parse_error(target + "category \"a\" \"b\" \"b\"\n"),
            begin + "column 'a': the category 'b' occurs twice");
  EXPECT_EQ(parse_error(target + "category \"y\"\n"), begin + "the column 'y' occurs twice");
  EXPECT_EQ(parse_error(target + "category \"a\tb\"\n"),
            begin + "the column 'a\\tb': expected no control characters");
  EXPECT_EQ(parse_error(target), begin + "expected columns besides the target 'y', found none");
  EXPECT_EQ(parse_error("d2l-table 1\ntarget-classes \"y\" \"a\"\ncategory \"b\"\n"),
            begin + "column 'y': expected 2 to 1,000 classes, found 1");
}

TEST(TableForm, OnlyOneTextIsOneForm) {
  const std::string text = kSmallText;
  const std::string spelling = "expected its lines in the order and the spelling of this version";
  std::string other = text;
  other.replace(other.find("0.1"), 3, "0.10");
  EXPECT_THAT(parse_error(other), testing::HasSubstr(spelling));
  other = text;
  other.replace(other.find("id \"Id\"\n"), 8, "");
  EXPECT_THAT(parse_error(other + "id \"Id\"\n"), testing::HasSubstr(spelling));
  other = text;
  other.replace(other.find("\"c\""), 3, "\"\\c\"");
  EXPECT_THAT(parse_error(other), testing::HasSubstr(spelling));
}

TEST(TableForm, SizesAreLimited) {
  TableFormParts parts = small_parts();
  for (int i = 0; i < 999; ++i) parts.columns[2].categories.push_back(std::to_string(i));
  parts.columns.resize(3);
  EXPECT_EQ(TableForm(parts).values(), 1004);
  const std::vector<std::string> categories = parts.columns[2].categories;
  parts.columns[2].categories.push_back("x");
  parts.columns[2].categories.push_back("y");
  EXPECT_THAT(message_of([&] { TableForm{parts}; }),
              testing::HasSubstr("column 'm': expected at most 1,000 categories, found 1,001"));
  parts.columns[2].categories = categories;
  for (int i = 0; i < 100; ++i) {
    parts.columns.push_back(parts.columns[2]);
    parts.columns.back().name = "m" + std::to_string(i);
  }
  EXPECT_THAT(message_of([&] { TableForm{parts}; }),
              testing::HasSubstr("expected at most 100,000 values for each row"));
}

TEST(TableForm, ChangedTextIsRefusedOrTheSame) {
  const std::string text = kSmallText;
  int accepted = 0;
  for (uint64_t round = 0; round < 20'000; ++round) {
    const std::vector<uint8_t> bytes = mutate({text.begin(), text.end()}, round);
    const std::string changed(bytes.begin(), bytes.end());
    try {
      EXPECT_EQ(TableForm::parse(changed).text(), changed);
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 100);  // for example with another name
}

TEST(TableForm, ParsesNumbers) {
  EXPECT_EQ(parse_number("+1.5e3"), 1500);
  EXPECT_EQ(parse_number("-.5"), -0.5);
  for (const char* text : {"", "+", "+-1", "1 2", "1,5", "inf", "nan", "0x10", "1e999", "None"})
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  EXPECT_EQ(parse_number(exact_text(1.0 / 3)), 1.0 / 3);
}

TEST(TableForm, SortsCategories) {
  std::vector<std::string> names{"20", "190", "30", "-1"};
  sort_categories(names);
  EXPECT_EQ(names, (std::vector<std::string>{"-1", "20", "30", "190"}));
  names = {"b", "20", "190", "a"};
  sort_categories(names);
  EXPECT_EQ(names, (std::vector<std::string>{"190", "20", "a", "b"}));
}

}  // namespace
}  // namespace d2l::data::test
