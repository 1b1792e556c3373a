#include "framework/train/metrics_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

const std::string kColumns =
    "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_accuracy";
const std::string kHeaderLine = kColumns + ",run\n";
const std::string kStep10 = "10,1,2560,2.30258509,0.1,1000,0.25,0.5,,,c0ffee\n";
const MetricsFile::Evaluation kEvaluation = {
    .step = 10, .epoch = 1, .samples = 2560, .loss = 1.5, .metrics = {0.75}};
const std::string kEvaluation10 = "10,1,2560,,,,,,1.5,0.75,c0ffee\n";

class MetricsFileTest : public testing::Test {
 protected:
  MetricsFile::Row row(int64_t step) const {
    return {.step = step,
            .epoch = 1,
            .samples = step * 256,
            .loss = 2.302585092994046,
            .lr = 0.1,
            .examples_per_s = 1000,
            .data_wait_s = 0.25,
            .comm_wait_s = 0.5};
  }
  MetricsFile file(int64_t resume_step) {
    return {
        path_,
        MetricsFile::kept(path_, resume_step, {.run = "c0ffee"}),
        {.run = "c0ffee", .warn = [this](const std::string& line) { warnings_.push_back(line); }}};
  }
  std::string complaint(const std::string& content) {
    write_text_file(path_, content);
    const std::string message =
        test::message_of([&] { MetricsFile::kept(path_, 100, {.run = "c0ffee"}); });
    EXPECT_EQ(text(), content);
    EXPECT_EQ(message.find(path_.string()), 0u) << message;
    return message.substr(std::min(path_.string().size(), message.size()));
  }
  std::string text() const { return read_text_file(path_); }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "metrics.csv";
  std::vector<std::string> warnings_;
};

TEST_F(MetricsFileTest, EveryLineIsInTheFileAtOnce) {
  MetricsFile metrics = file(0);
  EXPECT_EQ(text(), kHeaderLine);
  metrics.add(row(10));
  EXPECT_EQ(text(), kHeaderLine + kStep10);
  metrics.add_evaluation(kEvaluation);
  EXPECT_EQ(text(), kHeaderLine + kStep10 + kEvaluation10);
}

TEST_F(MetricsFileTest, BeforeTheFirstStepThereAreNoRows) {
  write_text_file(path_, kHeaderLine + kStep10);
  MetricsFile metrics = file(0);
  EXPECT_EQ(text(), kHeaderLine);
}

TEST_F(MetricsFileTest, ResumeDropsLaterRowsAndGoesOn) {
  {
    MetricsFile metrics = file(0);
    metrics.add(row(10));
    metrics.add_evaluation(kEvaluation);
    metrics.add(row(11));
    metrics.add(row(100));
  }
  MetricsFile metrics = file(10);
  EXPECT_EQ(text(), kHeaderLine + kStep10 + kEvaluation10);
  metrics.add(row(11));
  EXPECT_EQ(text().substr((kHeaderLine + kStep10 + kEvaluation10).size(), 10), "11,1,2816,");
}

TEST_F(MetricsFileTest, ResumeDropsATornLastLine) {
  // Truncated within the step, so that it looks like step 1, and within the last column.
  for (const char* torn : {"1", "10,1,2560,,,,,,1.5,0.75,c0ff"}) {
    write_text_file(path_, kHeaderLine + kStep10 + torn);
    MetricsFile metrics = file(50);
    EXPECT_EQ(text(), kHeaderLine + kStep10) << torn;
  }
}

TEST_F(MetricsFileTest, ResumeWithoutAFileStartsOne) {
  MetricsFile metrics = file(50);
  EXPECT_EQ(text(), kHeaderLine);
}

TEST_F(MetricsFileTest, RefusesToResumeSomethingElse) {
  EXPECT_EQ(complaint("a,b\n1,2\n"), ":1: expected the header '" + kColumns + ",run', found 'a,b'");
  // Invisible characters are escaped.
  EXPECT_NE(complaint("step,\tepoch\n").find("found 'step,\\tepoch'"), std::string::npos);
}

TEST_F(MetricsFileTest, RefusesTheRowsOfAnotherRun) {
  const std::string advice = "; move the file elsewhere to continue";
  EXPECT_EQ(complaint(kHeaderLine + kStep10 + "11,1,2816,,,,,,1.5,0.75,decaf\n"),
            ":3: expected rows of run c0ffee, found one of run decaf" + advice);
  EXPECT_EQ(complaint(kColumns + "\n11,1,2816,,,,,,1.5,0.75\n"),
            ":2: expected rows of run c0ffee, found one of a run without an identifier" + advice);
}

// The file of a run without an identifier continues with the current columns.
TEST_F(MetricsFileTest, TakesFilesOfEarlierVersions) {
  write_text_file(path_, kColumns + "\n10,1,2560,,,,,,1.5,0.75\n11,1,2816,,,,,,1.5,0.75\n");
  EXPECT_EQ(MetricsFile::kept(path_, 10, {}), kHeaderLine + "10,1,2560,,,,,,1.5,0.75,\n");
}

// Each objective names its columns; a file of other columns is not continued.
TEST_F(MetricsFileTest, HasTheColumnsOfItsMetrics) {
  const MetricsFile::Options options{.metrics = {"rmse", "mae"}, .run = "c0ffee"};
  {
    MetricsFile metrics(path_, MetricsFile::kept(path_, 0, options), options);
    metrics.add(row(10));
    metrics.add_evaluation(
        {.step = 10, .epoch = 1, .samples = 2560, .loss = 1.5, .metrics = {2.5, 3.5}});
  }
  const std::string columns =
      "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_rmse,"
      "test_mae,run\n";
  EXPECT_EQ(text(), columns + "10,1,2560,2.30258509,0.1,1000,0.25,0.5,,,,c0ffee\n" +
                        "10,1,2560,,,,,,1.5,2.5,3.5,c0ffee\n");
  EXPECT_EQ(MetricsFile::kept(path_, 10, options), text());
  EXPECT_NE(complaint(text()).find(":1: expected the header '" + kColumns), std::string::npos);
}

TEST_F(MetricsFileTest, TakesWhatOtherProgramsDoToTexts) {
  std::string edited = "\xef\xbb\xbf" + kHeaderLine + kStep10;
  for (size_t at = 0; (at = edited.find('\n', at)) != std::string::npos; at += 2)
    edited.insert(at, "\r");
  write_text_file(path_, edited);
  EXPECT_EQ(MetricsFile::kept(path_, 10, {.run = "c0ffee"}), kHeaderLine + kStep10);
}

TEST_F(MetricsFileTest, IsARegularFile) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(test::message_of([&] { file(5); }),
            "cannot read " + path_.string() + ": it is not a regular file");
}

TEST_F(MetricsFileTest, AsksBeforeEachLine) {
  bool held = true;
  MetricsFile metrics(path_, kHeaderLine, {.check_held = [&] { check(held, "taken over"); }});
  metrics.add(row(10));
  const std::string before = text();
  held = false;
  EXPECT_EQ(test::message_of([&] { metrics.add(row(11)); }), "taken over");
  EXPECT_EQ(text(), before);
}

TEST_F(MetricsFileTest, FullDiskLeavesOutWholeLinesAndWarnsOnce) {
  std::filesystem::path folder = folder_.path() / "disk";
  std::filesystem::create_directory(folder);
  test::SmallDisk disk(folder, "size=16k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small file system is not permitted here";
  path_ = folder / "metrics.csv";
  write_text_file(folder / "filler", std::string(8 << 10, 'x'));
  MetricsFile metrics = file(0);
  for (int64_t step = 1; step < 1000; ++step) metrics.add(row(step));
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("No space left on device"), std::string::npos);
  const std::string kept = text();
  EXPECT_EQ(kept.back(), '\n');

  std::filesystem::remove(folder / "filler");
  metrics.add(row(10));
  EXPECT_EQ(text(), kept + kStep10);
  EXPECT_EQ(warnings_.size(), 1u);
}

}  // namespace
}  // namespace d2l
