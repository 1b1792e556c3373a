#include "framework/train/metrics_file.h"

#include <gtest/gtest.h>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

const std::string kHeaderLine =
    "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_accuracy\n";
const std::string kStep10 = "10,1,2560,2.30258509,0.1,1000,0.25,0.5,,\n";
const std::string kEvaluation10 = "10,1,2560,,,,,,1.5,0.75\n";

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
  std::string text() const { return read_text_file(path_); }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "metrics.csv";
};

TEST_F(MetricsFileTest, EveryLineIsInTheFileAtOnce) {
  MetricsFile metrics(path_, 0);
  EXPECT_EQ(text(), kHeaderLine);
  metrics.add(row(10));
  EXPECT_EQ(text(), kHeaderLine + kStep10);
  metrics.add_evaluation(10, 1, 2560, 1.5, 0.75);
  EXPECT_EQ(text(), kHeaderLine + kStep10 + kEvaluation10);
}

TEST_F(MetricsFileTest, FreshRunForgetsTheOldRows) {
  write_text_file(path_, kHeaderLine + kStep10);
  MetricsFile metrics(path_, 0);
  EXPECT_EQ(text(), kHeaderLine);
}

TEST_F(MetricsFileTest, ResumeDropsLaterRowsAndGoesOn) {
  {
    MetricsFile metrics(path_, 0);
    metrics.add(row(10));
    metrics.add_evaluation(10, 1, 2560, 1.5, 0.75);
    metrics.add(row(11));
    metrics.add(row(100));
  }
  MetricsFile metrics(path_, 10);
  EXPECT_EQ(text(), kHeaderLine + kStep10 + kEvaluation10);
  metrics.add(row(11));
  EXPECT_EQ(text().substr((kHeaderLine + kStep10 + kEvaluation10).size(), 10), "11,1,2816,");
}

TEST_F(MetricsFileTest, ResumeDropsATornLastLine) {
  // Torn within the step, so that it would pass for step 1, and within the last column.
  for (const char* torn : {"1", "10,1,2560,,,,,,1.5,0.7"}) {
    write_text_file(path_, kHeaderLine + kStep10 + torn);
    MetricsFile metrics(path_, 50);
    EXPECT_EQ(text(), kHeaderLine + kStep10) << torn;
  }
}

TEST_F(MetricsFileTest, ResumeWithoutAFileStartsOne) {
  MetricsFile metrics(path_, 50);
  EXPECT_EQ(text(), kHeaderLine);
}

TEST_F(MetricsFileTest, RefusesToResumeSomethingElse) {
  write_text_file(path_, "a,b\n1,2\n");
  EXPECT_NE(test::message_of([&] { MetricsFile(path_, 5); }).find("expected the header"),
            std::string::npos);
  EXPECT_EQ(text(), "a,b\n1,2\n");
}

}  // namespace
}  // namespace d2l
