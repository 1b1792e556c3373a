// d2l-data with tables, as a process.
#include <gmock/gmock.h>

#include "data/table/table_dataset.h"
#include "tests/data/table_support.h"
#include "tests/support/program.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TableProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string text = "name,size,colour,species\n";
    for (int i = 0; i < 40; ++i)
      text += "f" + std::to_string(i) + "," + (i % 5 == 0 ? "NA" : std::to_string(i)) + "," +
              (i % 3 == 0 ? "red" : "blue") + "," + (i % 4 == 0 ? "lily" : "iris") + "\n";
    write_text(csv(), text);
  }
  fs::path csv() const { return folder.path() / "flowers.csv"; }
  fs::path out() const { return folder.path() / "flowers"; }
  ProgramResult run(std::vector<std::string> words, int ranks = 0) const {
    words.insert(words.begin(), "d2l-data");
    return run_program(on_ranks(ranks, words));
  }
  ProgramResult pack(const std::vector<std::string>& more = {}, int ranks = 0) const {
    std::vector<std::string> words{"pack", "--from", csv().string(), "--out", out().string()};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, ranks);
  }
  // Packs `more` wrongly: exit code, message, and no folder left.
  void expect_refused(const std::vector<std::string>& more, int exit_code,
                      const std::string& message) const {
    const ProgramResult result = pack(more);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_FALSE(fs::exists(out()));
  }

  TemporaryFolder folder;
};

TEST_F(TableProgram, PacksReportsAndDescribes) {
  const ProgramResult packed =
      pack({"--target", "species", "--id", "name", "--valid", "0.2", "--licence", "free"});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  const std::string where = out().string() + "/";
  EXPECT_THAT(packed.output, testing::StartsWith("packed 32 rows of flowers (train) into " + where +
                                                 "train-table.h5, "));
  EXPECT_THAT(packed.output, HasSubstr("packed 8 rows of flowers (test) into " + where));
  EXPECT_THAT(packed.output,
              testing::EndsWith("columns: 1 number and 1 category give 4 values for each row\n"
                                "missing values in 40 rows: size 8\n"
                                "target: species: 2 classes: iris 30, lily 10\n"));
  EXPECT_EQ(std::distance(fs::directory_iterator(out()), fs::directory_iterator()), 2);
  // As for images, the same part of each class.
  const auto test = find_table(out(), Split::test);
  EXPECT_EQ(test->class_counts(8), (std::vector<int64_t>{6, 2}));
  EXPECT_EQ(test->info().table, find_table(out(), Split::train)->info().table);

  const ProgramResult info = run({"info", out().string()});
  EXPECT_EQ(info.exit_code, 0) << info.output;
  for (const char* part :
       {"  dataset         flowers, test, table\n", "  rows            8, of flowers.csv\n",
        "  target          species: 2 classes: iris 6, lily 2\n", "  id              name\n",
        "  licence         free\n", "  column          colour: category, 2: blue, red\n",
        "  column          size: number, mean 20"})
    EXPECT_THAT(info.output, HasSubstr(part));

  const ProgramResult verified = run({"verify", out().string()});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_EQ(verified.output,
            where + "train-table.h5: ok, 32 rows\n" + where + "test-table.h5: ok, 8 rows\n");
}

TEST_F(TableProgram, CommandsForImagesSayThatItIsATable) {
  ASSERT_EQ(pack({"--target", "species", "--ignore", "name"}).exit_code, 0);
  const std::string png = (folder.path() / "a.png").string();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"show", out().string(), "--out", png},
        {"stats", out().string()},
        {"bench", out().string()}}) {
    const ProgramResult result = run(words);
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr(out().string() + ": expected images, found a table"));
  }
}

TEST_F(TableProgram, VerifyNamesTheDamage) {
  ASSERT_EQ(pack({"--target", "species", "--id", "name", "--valid", "0.5"}).exit_code, 0);
  const fs::path table = out() / "test-table.h5";
  std::vector<uint8_t> bytes = bytes_of(table);
  const std::string form = "d2l-table 1\n";
  const auto at = std::search(bytes.begin(), bytes.end(), form.begin(), form.end());
  ASSERT_NE(at, bytes.end());
  at[20] ^= 1;
  write_bytes(table, bytes);
  const ProgramResult result = run({"verify", out().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("d2l-data: error: " + table.string() +
                                       ": dataset 'form': it is damaged: expected checksum"));
  // Tables that were packed at different times.
  ASSERT_EQ(run({"pack", "--from", csv().string(), "--target", "size", "--impute", "drop", "--out",
                 (folder.path() / "other").string()})
                .exit_code,
            0);
  fs::remove(out() / "train-table.h5");
  fs::rename(folder.path() / "other/train-table.h5", table);
  EXPECT_THAT(run({"verify", out().string()}).output,
              HasSubstr("expected train-table.h5, the name for its split"));
}

TEST_F(TableProgram, RanksWriteTheSameBytes) {
  const std::vector<std::string> options{"--target", "species", "--id", "name", "--valid", "0.2"};
  ASSERT_EQ(pack(options).exit_code, 0);
  const auto train = bytes_of(out() / "train-table.h5"), test = bytes_of(out() / "test-table.h5");
  fs::remove_all(out());
  const ProgramResult packed = pack(options, 4);
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_EQ(bytes_of(out() / "train-table.h5"), train);
  EXPECT_EQ(bytes_of(out() / "test-table.h5"), test);
  const ProgramResult again = pack(options, 4);
  EXPECT_EQ(again.exit_code, 1) << again.output;
  const std::string message = "d2l-data: error: " + out().string() + " already contains a table";
  const size_t first = again.output.find(message);
  ASSERT_NE(first, std::string::npos) << again.output;
  EXPECT_EQ(again.output.find(message, first + 1), std::string::npos) << again.output;
}

TEST_F(TableProgram, OptionsOfTablesAndImagesDoNotMix) {
  expect_refused({"--target", "species", "--resize", "32"}, 2,
                 "--resize is for images, but --target says that --from is a table");
  expect_refused({"--target", "species", "--index-rows"}, 2, "--index-rows is for images");
  expect_refused({"--target", "species", "--data-dir", "."}, 2, "--data-dir is for images");
  expect_refused({"--id", "name"}, 2, "--id is for tables, which need --target COLUMN");
  expect_refused({"--impute", "drop"}, 2, "--impute is for tables");
}

TEST_F(TableProgram, WrongOptionsAreUsageErrors) {
  expect_refused({"--target", "specie"}, 2,
                 "--target: unknown column 'specie', did you mean 'species'?");
  expect_refused({"--target", "species", "--impute", "men"}, 2,
                 "unknown impute 'men', did you mean 'mean'?");
  expect_refused({"--target", "species", "--standardize", "yes"}, 2, "unknown standardize 'yes'");
  expect_refused({"--target", "species", "--ignore", "name,\"x"}, 2,
                 "--ignore, line 1: expected '\"' at the end of the quoted field");
  expect_refused({"--target", "species", "--valid", "0.1", "--test-from", csv().string()}, 2,
                 "--valid: the source has a split test already");
  expect_refused({"--target", "species", "--limit", "41"}, 2,
                 "--limit: expected at most 40, the number of samples in the larger split");
  expect_refused(
      {"--target", "species", "--numeric", "colour"}, 1,
      "flowers.csv, line 2: column 'colour': expected a number or no value, found 'red'");
  expect_refused({"--target", "size"}, 1,
                 "flowers.csv, line 2: column 'size': expected a target, found 'NA'; --impute drop "
                 "leaves such rows out");
}

TEST_F(TableProgram, RowsAreChosenAndLeftOut) {
  const fs::path test = folder.path() / "test.csv";
  write_text(test, "species,size,colour\niris,1,red\nlily,2,green\nlily,,red\n");
  const ProgramResult packed =
      pack({"--target", "species", "--id", "colour", "--ignore", "name", "--impute", "drop",
            "--order", "random", "--limit", "5", "--test-from", test.string(), "--name", "mine"});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_THAT(packed.output, HasSubstr("packed 5 rows of mine (train)"));
  EXPECT_THAT(packed.output, HasSubstr("packed 2 rows of mine (test)"));
  EXPECT_THAT(packed.output, HasSubstr("8 of 40 rows of " + csv().string() + " were left out"));
  EXPECT_THAT(packed.output, HasSubstr("1 of 3 rows of " + test.string() + " were left out"));
  const auto dataset = find_table(out(), Split::test);
  EXPECT_EQ(std::set<std::string>({dataset->name_of(0), dataset->name_of(1)}),
            (std::set<std::string>{"green", "red"}));
  EXPECT_THAT(dataset->place_of(0), HasSubstr("(test.csv, line "));
}

TEST_F(TableProgram, UnknownCategoriesAreNotes) {
  const fs::path test = folder.path() / "test.csv";
  write_text(test, "species,size,colour,name\niris,1,red,a\nlily,2,green,b\n");
  const ProgramResult packed =
      pack({"--target", "species", "--id", "name", "--test-from", test.string()});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_THAT(packed.output,
              HasSubstr("d2l-data: note: " + test.string() +
                        ": column 'colour': 1 row has a category that the training data do not "
                        "have, such as 'green' (" +
                        test.string() + ", line 3)"));
}

TEST_F(TableProgram, FoldersWithOtherDataAreRefused) {
  fs::create_directory(out());
  write_shards(out(), *small_dataset(3), 1);
  ProgramResult result = pack({"--target", "species", "--id", "name"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("already contains train shards"));
  fs::remove_all(out());
  ASSERT_EQ(pack({"--target", "species", "--id", "name"}).exit_code, 0);
  result = run(
      {"pack", "--from", "synthetic", "--limit", "10", "--split", "test", "--out", out().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("already contains a table (train-table.h5)"));
  EXPECT_EQ(std::distance(fs::directory_iterator(out()), fs::directory_iterator()), 1);
}

TEST_F(TableProgram, HousePricesAsInTheBook) {
  const fs::path data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const std::string train = (data / "house-prices/kaggle_house_pred_train.csv").string();
  const std::string test = (data / "house-prices/kaggle_house_pred_test.csv").string();
  const ProgramResult packed = run({"pack", "--from", train, "--target", "SalePrice", "--id", "Id",
                                    "--fit", train + "," + test, "--out", out().string()});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_THAT(packed.output,
              HasSubstr("columns: 36 numbers and 43 categories give 331 values for each row\n"
                        "missing values in 2,919 rows: PoolQC 2,909, MiscFeature 2,814, Alley "
                        "2,721, Fence 2,348, FireplaceQu 1,420 and 29 more columns\n"
                        "target: SalePrice: numbers from 34,900 to 755,000\n"));
  const auto dataset = find_table(out(), Split::train);
  EXPECT_EQ(dataset->samples(), 1460);
  EXPECT_EQ(dataset->target(0), 208500);
}

}  // namespace
}  // namespace d2l::data::test
