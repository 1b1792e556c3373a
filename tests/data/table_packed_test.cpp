#include <gmock/gmock.h>

#include "data/table/fit_table.h"
#include "data/table/table_dataset.h"
#include "tests/data/table_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kIris = "id,length,colour,species\nf1,1,red,b\nf2,,blue,a\n\"f,3\",4,NA,b\n";

class PackedTables : public testing::Test {
 protected:
  fs::path file(const std::string& name, const std::string& text) const {
    write_text(folder.path() / name, text);
    return folder.path() / name;
  }
  PackedTable table(const std::string& text, const TableFitOptions& options) const {
    const fs::path csv = file("iris.csv", text);
    TableForm form = fit_table(csv, {}, options).form;
    EncodedRows rows = encode_rows(csv, form).rows;
    return {.name = "iris", .source = "here", .licence = "free", .form = form, .rows = rows};
  }
  PackedTable classes() const {
    return table(kIris, {.target = "species", .id_column = "id", .standardize = false});
  }
  PackedTable numbers() const { return table("a,y\n1,0.5\n2,-1.5\n", {.target = "y"}); }
  fs::path packed(const PackedTable& table) const {
    write_table(folder.path() / packed_table_name(table.split), table);
    return folder.path() / packed_table_name(table.split);
  }

  TemporaryFolder folder;
};

std::vector<float> values_of(const Dataset& dataset, const std::vector<int64_t>& indices) {
  std::vector<float> values(indices.size() * static_cast<size_t>(dataset.shape()[0]));
  dataset.visit(indices, [&](size_t position, const Sample& sample) {
    EXPECT_EQ(sample.encoding, Encoding::values);
    EXPECT_EQ(sample.shape, dataset.shape());
    EXPECT_EQ(sample.label, dataset.label(indices[position]));
    EXPECT_EQ(sample.target, dataset.target(indices[position]));
    std::copy(sample.bytes.begin(), sample.bytes.end(),
              reinterpret_cast<uint8_t*>(values.data()) + position * sample.bytes.size());
  });
  return values;
}

TEST_F(PackedTables, AreDatasetsOfClasses) {
  packed(classes());
  const auto dataset = find_table(folder.path(), Split::train);
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(find_table(folder.path(), Split::test), nullptr);
  EXPECT_EQ(find_table(folder.path() / "none", Split::train), nullptr);
  EXPECT_EQ(dataset->name(), "iris");
  EXPECT_EQ(dataset->info().source, "here");
  EXPECT_EQ(dataset->info().licence, "free");
  EXPECT_EQ(dataset->shape(), Shape{4});
  EXPECT_EQ(dataset->class_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(dataset->class_counts(3), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(dataset->class_counts(1), (std::vector<int64_t>{0, 1}));
  EXPECT_THAT(values_of(*dataset, {2, 0, 1}), ElementsAre(4, 0, 0, 1, 1, 0, 1, 0, 2.5, 1, 0, 0));
  EXPECT_EQ(dataset->label(1), 0);
  EXPECT_EQ(dataset->place_of(2), "train-table.h5, sample 2 (iris.csv, line 4)");
  EXPECT_EQ(dataset->name_of(2), "f,3");
  EXPECT_EQ(TableForm::parse(dataset->info().table).text(), dataset->info().table);
  EXPECT_GT(dataset->memory_bound(), 3U * 4 * 4 + 3 * 8);
}

TEST_F(PackedTables, AreDatasetsOfNumbers) {
  PackedTable table = numbers();
  table.split = Split::test;
  packed(table);
  const auto dataset = find_table(folder.path(), Split::test);
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(dataset->classes(), 0);
  EXPECT_TRUE(dataset->class_counts(2).empty());
  EXPECT_EQ(dataset->target(0), 0.5F);
  EXPECT_EQ(dataset->target(1), -1.5F);
  EXPECT_EQ(dataset->name_of(0), "");
  EXPECT_FLOAT_EQ(values_of(*dataset, {1})[0], std::sqrt(0.5F));
}

TEST_F(PackedTables, FingerprintIsOfTheContent) {
  const std::string first = TableDataset(classes()).fingerprint();
  EXPECT_EQ(TableDataset(classes()).fingerprint(), first);
  PackedTable other = classes();
  other.rows.labels[0] = 0;
  EXPECT_NE(TableDataset(other).fingerprint(), first);
  other = classes();
  other.rows.values[0] = 2;
  EXPECT_NE(TableDataset(other).fingerprint(), first);
}

TEST_F(PackedTables, SameTableGivesSameBytes) {
  const std::vector<uint8_t> first = bytes_of(packed(classes()));
  EXPECT_EQ(bytes_of(packed(classes())), first);
}

// Each byte belongs to a checksum, or to a structure that is the same without it.
TEST_F(PackedTables, EveryChangeIsFound) {
  const fs::path path = packed(classes());
  const std::vector<uint8_t> bytes = bytes_of(path);
  const std::string expected = find_table(folder.path(), Split::train)->fingerprint();
  size_t found = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::vector<uint8_t> changed = bytes;
    changed[at] ^= 0x10;
    write_bytes(path, changed);
    try {
      EXPECT_EQ(find_table(folder.path(), Split::train)->fingerprint(), expected) << at;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(path.string())) << at;
      ++found;
    }
  }
  EXPECT_GT(found, bytes.size() / 2);
  for (const size_t size : {size_t{0}, size_t{100}, bytes.size() - 1}) {
    write_bytes(path, {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
    EXPECT_THROW(find_table(folder.path(), Split::train), Error) << size;
  }
}

TEST_F(PackedTables, ContradictionsAreNotWritten) {
  const fs::path path = folder.path() / "train-table.h5";
  const auto error = [&](const PackedTable& table) {
    std::string message = message_of([&] { write_table(path, table); });
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
    return message;
  };
  PackedTable table = classes();
  table.rows.labels[1] = 2;
  EXPECT_THAT(error(table), HasSubstr("expected labels in [0, 2), found 2"));
  table = classes();
  table.rows.values[1] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error(table), HasSubstr("dataset 'values': expected finite numbers"));
  table = classes();
  table.rows.ids.pop_back();
  EXPECT_THAT(error(table), HasSubstr("expected values, targets and ids of 3 rows"));
  table = classes();
  table.rows.ids[0] = std::string("a\0b", 3);
  EXPECT_THAT(error(table), HasSubstr("dataset 'ids': expected 3 texts"));
  table = classes();
  table.licence = std::string(70'000, 'x');
  EXPECT_THAT(error(table), HasSubstr("licence below 65536 bytes"));
}

TEST_F(PackedTables, OtherFilesAreNamed) {
  PackedTable table = classes();
  table.split = Split::test;
  fs::rename(packed(table), folder.path() / "train-table.h5");
  EXPECT_THAT(message_of([&] { find_table(folder.path(), Split::train); }),
              HasSubstr("train-table.h5: expected the split train, found a table of split test"));
  fs::remove(folder.path() / "train-table.h5");
  write_shards(folder.path(), *small_dataset(3), 1);
  fs::rename(folder.path() / "train-00000-of-00001.h5", folder.path() / "train-table.h5");
  EXPECT_THAT(message_of([&] { find_table(folder.path(), Split::train); }),
              HasSubstr("train-table.h5: expected format 'd2l-table', found 'd2l-shard'"));
}

TEST_F(PackedTables, RowsForPredictions) {
  const TableForm form = classes().form;
  // Other order, a new column, no target, an unknown category, missing values.
  const TableRows rows =
      read_rows(file("new.csv", "colour;new;id;length\ngreen;1;x;2\nblue;;y;\n"), form);
  EXPECT_EQ(rows.dataset->name_of(0), "x");
  EXPECT_EQ(rows.dataset->name_of(1), "y");
  EXPECT_FALSE(rows.has_targets);
  EXPECT_EQ(rows.dataset->classes(), 2);
  EXPECT_THAT(values_of(*rows.dataset, {0, 1}), ElementsAre(2, 0, 0, 0, 2.5, 1, 0, 0));
  EXPECT_EQ(rows.dataset->place_of(1), "new.csv, line 3");
  EXPECT_EQ(rows.dataset->label(0), 0);
  ASSERT_EQ(rows.notes.size(), 1U);
  EXPECT_THAT(rows.notes[0], HasSubstr("'colour': 1 row has a category that the training data do "
                                       "not have, such as 'green' ("));
}

TEST_F(PackedTables, RowsForPredictionsWithTargets) {
  const TableForm form = classes().form;
  const TableRows rows = read_rows(file("new.csv", "length,colour,species\n2,red,a\n"), form);
  EXPECT_TRUE(rows.has_targets);
  EXPECT_EQ(rows.dataset->name_of(0), "");
  ASSERT_EQ(rows.notes.size(), 1U);
  EXPECT_THAT(rows.notes[0], HasSubstr("the id column 'id' is missing; rows are numbered from 1"));
  const TableRows some =
      read_rows(file("new.csv", "id,length,colour,species\n1,2,red,b\n2,2,red,\n"), form);
  EXPECT_FALSE(some.has_targets);
  EXPECT_EQ(some.dataset->label(0), 1);
  ASSERT_EQ(some.notes.size(), 1U);
  EXPECT_THAT(some.notes[0], HasSubstr("1 row has no target, first in "));
}

TEST_F(PackedTables, NoRowIsLeftOutOfPredictions) {
  const fs::path csv = file("t.csv", "a,b,y\n1,2,3\n3,2,4\n,5,6\n");
  const TableFit fit =
      fit_table(csv, {}, {.target = "y", .impute = Impute::drop, .standardize = false});
  const TableRows rows = read_rows(file("new.csv", "a,b\n,1\n5,6\n"), fit.form);
  EXPECT_THAT(values_of(*rows.dataset, {0, 1}), ElementsAre(2, 1, 5, 6));
  ASSERT_EQ(rows.notes.size(), 1U);
  EXPECT_THAT(rows.notes[0], HasSubstr("1 number is missing and replaced by the mean"));
}

}  // namespace
}  // namespace d2l::data::test
