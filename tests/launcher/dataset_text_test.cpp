#include "launcher/dataset_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/text.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using data::DatasetInfo;
using test::message_of;
using testing::HasSubstr;

TEST(DatasetText, BringsBackNamesOfAnyKindAndNumbersToTheLastBit) {
  DatasetInfo info;
  info.name = "pets, 2nd = \"best\"";
  info.shape = {0, 0, 3};
  info.classes = 3;
  info.class_names = {"a\nclass = b", "back\\slash \x01\x7f", " \xc3\xa9 = "};
  info.mean = {0.1, 1.0 / 3, 0};
  info.deviation = {1e-300, 0.2, 1};
  const DatasetInfo found = parse_dataset_text(dataset_text(info), "file");
  EXPECT_EQ(found.name, info.name);
  EXPECT_EQ(found.shape, info.shape);
  EXPECT_EQ(found.classes, info.classes);
  EXPECT_EQ(found.class_names, info.class_names);
  EXPECT_EQ(found.mean, info.mean);
  EXPECT_EQ(found.deviation, info.deviation);
}

TEST(DatasetText, OfDataWithoutNamesAndStatistics) {
  DatasetInfo info;
  info.name = "images";
  info.shape = {28, 30, 1};
  info.classes = 1000;
  EXPECT_EQ(dataset_text(info), "name = images\nshape = 28x30x1\nclasses = 1000\n");
  const DatasetInfo found = parse_dataset_text(dataset_text(info), "file");
  EXPECT_EQ(found.shape, info.shape);
  EXPECT_TRUE(found.class_names.empty() && found.mean.empty() && found.deviation.empty());
}

TEST(DatasetText, OfATable) {
  DatasetInfo info;
  info.name = "houses";
  info.shape = {331};
  EXPECT_EQ(dataset_text(info), "name = houses\nshape = 331\nclasses = 0\n");
  const DatasetInfo found = parse_dataset_text(dataset_text(info), "file");
  EXPECT_EQ(found.shape, info.shape);
  EXPECT_EQ(found.classes, 0);
}

TEST(DatasetText, RefusesOtherTextsWithTheLine) {
  const std::string begin = "name = a\nshape = 2x2x1\nclasses = 2\n";
  const std::pair<std::string, const char*> cases[] = {
      {"", "file: expected a shape"},
      {"shape = 2x2x1\n", "file: expected a number of classes"},
      {"shape\n", "file, dataset, line 1: expected 'name = value', found 'shape'"},
      {"shape = 2x2\n", "line 1: expected HEIGHTxWIDTHxCHANNELS or VALUES, found '2x2'"},
      {"shape = 0x2x1\n", "line 1: expected height and width, or 0x0, found '0x2x1'"},
      {"shape = 2x2x99999999999999999999\n", "expected a number from 1 to 1024, found '999"},
      {"shape = 2x2x-1\n", "expected a number from 1 to 1024, found '-1'"},
      {"name = a\\x0\n", "line 1: expected \\xHH, found 'a\\x0'"},
      {begin + "classes = 3\n", "line 4: expected classes once"},
      {begin + "class = a\n", "file: expected 2 names of classes, found 1"},
      {begin + "mean = 1,2\n", "expected a mean and a deviation for each of 1 channels, found 2"},
      {begin + "mean = nan\n", "line 4: expected numbers, found 'nan'"},
      {begin + "mean = 0.5x\n", "line 4: expected numbers, found '0.5x'"},
      {begin + "size = 3\n", "line 4: expected name, shape, classes, mean, deviation or class"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT(message_of([&, &text = text] { parse_dataset_text(text, "file"); }),
                HasSubstr(visible(message)))
        << text;
}

}  // namespace
}  // namespace d2l::launcher
