#include <gmock/gmock.h>

#include "framework/base/error.h"
#include "launcher/report_tool/history.h"
#include "launcher/report_tool/metrics.h"
#include "launcher/report_tool/run.h"
#include "tests/report_tool/run_files.h"
#include "tests/support/support.h"

namespace d2l::report_tool {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Reading : public testing::Test {
 protected:
  History history(const std::string& text) const {
    write_text_file(path("log.txt"), text);
    return read_history(path("log.txt"));
  }
  Metrics metrics(const std::string& rows, const MetricsOptions& options = {}) const {
    write_text_file(path("metrics.csv"), test::kMetricsHeader + rows);
    return read_metrics(path("metrics.csv"), options);
  }
  Runs runs(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(path(name).string());
    told_.clear();
    return read_runs(paths, [&](const std::string& message) { told_.push_back(message); });
  }
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  test::TemporaryFolder folder_;
  std::vector<std::string> told_;
};

TEST_F(Reading, TheLogTellsTheEvents) {
  test::write_run(path("a"));
  const History found = read_history(path("a/log.txt"));
  std::vector<std::string> events;
  for (const Event& event : found.events)
    events.push_back(concat(word_of(event.kind), " ", event.step, " ", event.text.substr(0, 12)));
  EXPECT_THAT(events, ElementsAre("start 0 MPI, 2 ranks", "warning 0 slow", "save 10 saved the ch",
                                  "error 10 ended by SIG", "resume 10 MPI, 4 ranks",
                                  "end 10 run folder r"));
  EXPECT_EQ(found.epochs, "2/2");
  EXPECT_EQ(found.end, "finished");
  EXPECT_EQ(found.seconds(), 11 + 5);
  EXPECT_THAT(found.first_steps(), ElementsAre(0, 10));
  ASSERT_EQ(found.jobs.size(), 2u);
  EXPECT_EQ(found.jobs[1].start.ranks, 4);
  EXPECT_EQ(found.jobs[1].start.device, "CPU, AVX-512, oneDNN 2.6.3");
}

TEST_F(Reading, GoingBackSupersedesWhatWasLater) {
  const std::string step = "2026-11-29 10:00:00 step ", loss = ": loss 1.0, 9 examples/s\n",
                    goes_on = "2026-11-29 10:00:00 continuing after step ";
  const History found =
      history(test::job_line(2) + step + "50" + loss + "2026-11-29 10:00:00 warning: at 50\n" +
              test::job_line(2) + goes_on + "40 from x\n" + test::job_line(2) + goes_on +
              "20 from x\n2026-11-29 10:00:00 after step 30: trains the 5 parameters\n");
  ASSERT_EQ(found.events.size(), 5u);
  EXPECT_TRUE(found.events[1].is_superseded);   // the warning
  EXPECT_TRUE(found.events[2].is_superseded);   // the first resume
  EXPECT_FALSE(found.events[3].is_superseded);  // the second
  EXPECT_EQ(found.events[3].step, 20);
  EXPECT_EQ(found.events[4].step, 30);
  EXPECT_THAT(found.first_steps(), ElementsAre(0, 20));
  EXPECT_EQ(found.end, "");
}

TEST_F(Reading, TheLogTellsTheSlowestRanks) {
  const std::string line = "2026-11-29 10:00:00 slowest rank: ";
  const History found = history(
      test::job_line(4) + line +
      "1 on a, 20.0 ms per step, 0.0 ms of it waiting for data; median 18.5 ms\n" + line +
      "3 on node-7.x, 45.2 ms per step, 12.1 ms of it waiting for data; median 30.1 ms\n" + line +
      "3 on node-7.x, 40.0 ms per step, 2.0 ms of it waiting for data; median 30.0 "
      "ms\n" +
      line + "of an unknown form\n");
  EXPECT_EQ(found.slowest_ranks.comparisons(), 3);
  const auto entries = found.slowest_ranks.entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].rank, "3 on node-7.x");
  EXPECT_EQ(entries[0].times, 2);
  EXPECT_NEAR(entries[0].step, 85.2, 1e-9);
  EXPECT_NEAR(entries[0].data, 14.1, 1e-9);
  EXPECT_NEAR(entries[0].median, 60.1, 1e-9);
  EXPECT_EQ(entries[1].rank, "1 on a");
  ASSERT_EQ(found.events.size(), 2U);  // the start, and the line that is none of these
  EXPECT_EQ(found.events[1].text, "slowest rank: of an unknown form");
}

TEST_F(Reading, TheLastLineTellsTheEnd) {
  const std::string time = "2026-11-29 10:00:00 ", folder = time + "run folder a, checkpoint b\n",
                    stopped = "stopped after step 7: SIGTERM; --resume a continues the run";
  const History found = history(test::job_line(2) + folder + time + stopped + "\n");
  EXPECT_EQ(found.end, stopped);
  EXPECT_EQ(found.events.back().step, 7);
  EXPECT_EQ(history(test::job_line(2) + folder).end, "finished");
  EXPECT_EQ(history(test::job_line(2) + folder + test::job_line(2)).end, "");
}

TEST_F(Reading, OtherLinesOfALogAreCounted) {
  const History found = history(std::string("\xff\xfe\n\n2026-11-29 10:00 short\n") +
                                "2026-11-29 10:00:00 fine\n2026-11-29 10:00:00 no line end");
  EXPECT_EQ(found.damaged, 2);
  EXPECT_EQ(found.events.size(), 2u);
}

TEST_F(Reading, MetricsBecomeCurvesAndResults) {
  test::write_run(path("a"));
  const Metrics found = read_metrics(path("a/metrics.csv"), {});
  ASSERT_NE(found.column("loss"), nullptr);
  EXPECT_THAT(found.column("loss")->drawn.line.steps, ElementsAre(10, 20));
  EXPECT_THAT(found.column("loss")->drawn.line.values, ElementsAre(2.5, 1.5));
  // 1 of 10 seconds, then 1 of 5
  EXPECT_THAT(found.column("data_wait_s")->drawn.line.values, ElementsAre(10, 20));
  EXPECT_THAT(found.column("comm_wait_s")->drawn.line.values, ElementsAre(20, 40));
  EXPECT_EQ(found.column("run"), nullptr);
  EXPECT_THAT(found.clock.seconds, ElementsAre(0, 10, 15));
  EXPECT_THAT(found.clock.samples, ElementsAre(0, 1000, 2000));
  EXPECT_DOUBLE_EQ(found.examples_per_s, 2000.0 / 15);
  ASSERT_NE(found.result("accuracy"), nullptr);
  EXPECT_EQ(found.result("accuracy")->best, 0.75);
  EXPECT_EQ(found.result("accuracy")->best_step, 10);
  EXPECT_EQ(found.result("accuracy")->last, 0.5);
  EXPECT_EQ(found.result("loss")->best, 2);
  EXPECT_EQ(found.last_step, 20);
  EXPECT_EQ(found.last_loss, 1.5);
}

// After a resume, a training line covers fewer steps than --log-every.
TEST_F(Reading, AShareIsOfTheTimeSinceTheResume) {
  const std::string rows = "10,0,1000,2,1,100,1,0,,,c0ffee\n20,0,2000,2,1,100,1,0,,,c0ffee\n";
  EXPECT_THAT(metrics(rows).column("data_wait_s")->drawn.line.values, ElementsAre(10, 10));
  EXPECT_THAT(metrics(rows, {.resumed_after = {0, 15}}).column("data_wait_s")->drawn.line.values,
              ElementsAre(10, 20));
}

TEST_F(Reading, DamagedLinesOfMetricsAreCounted) {
  const Metrics found = metrics(
      "10,0,1000,2,1\n\xff,0,1,1,1,1,1,1,,,x\n"
      "20,0,2000,nan,1,100,1,0,,,c0ffee\n30,1,30\n"
      "99999999999999999999,0,1,1,1,1,1,1,,,c0ffee");
  EXPECT_EQ(found.lines, 1);
  EXPECT_EQ(found.damaged, 4);
  EXPECT_EQ(found.not_finite, 1);
  EXPECT_EQ(found.column("loss"), nullptr);
  EXPECT_TRUE(std::isnan(found.last_loss));
}

TEST_F(Reading, KnowsWhichValuesAreBetter) {
  for (const char* name : {"accuracy", "top5"}) EXPECT_TRUE(larger_is_better(name)) << name;
  for (const char* name : {"loss", "rmse", "mae", "log_rmse"})
    EXPECT_FALSE(larger_is_better(name)) << name;
}

TEST_F(Reading, EachDamagedFileOfARunIsNamed) {
  test::write_run(path("a"), "no-such-option = 1\n");
  write_text_file(path("a/metrics.csv"), "a,b\n1,2\n");
  fs::remove(path("a/log.txt"));
  const Runs found = runs({"a"});
  ASSERT_EQ(found.runs.size(), 1u);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("config.ini:4: unknown option 'no-such-option'"),
                                 HasSubstr("log.txt: no such file"),
                                 HasSubstr("metrics.csv:1: expected the header of metrics.csv, "
                                           "'step,epoch,...', found 'a,b'")));
  EXPECT_EQ(found.runs[0].problems, told_);
  EXPECT_EQ(found.runs[0].end(), "not known: log.txt has no last line");
}

TEST_F(Reading, NamesAreShortAndDiffer) {
  for (const char* run : {"x/a", "x/b", "y/a"}) test::write_run(path(run));
  const Runs different = runs({"x/a", "x/b/"});
  EXPECT_EQ(different.runs[0].name, "a");
  EXPECT_EQ(different.runs[1].name, "b");
  const Runs same = runs({"x/a", "y/a"});
  EXPECT_EQ(same.runs[0].name, "x/a");
  EXPECT_EQ(same.runs[1].name, "y/a");
}

TEST_F(Reading, ACrossValidationStandsForItsFolds) {
  for (const char* run : {"cv/fold-10", "cv/fold-2"}) test::write_run(path(run));
  write_text_file(path("cv/config.ini"), "kfold = 10\n");
  write_text_file(path("cv/kfold.csv"), "fold,test_accuracy\n2,0.5\nmean,0.5\n");
  const Runs found = runs({"cv"});
  ASSERT_EQ(found.runs.size(), 2u);
  EXPECT_EQ(found.runs[0].name, "cv/fold-2");
  EXPECT_EQ(found.runs[1].name, "cv/fold-10");
  ASSERT_EQ(found.folds.size(), 1u);
  EXPECT_THAT(found.folds[0].rows[1], ElementsAre("2", "0.5"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(Reading, OtherPathsAreLeftOutOrRefused) {
  test::write_run(path("a"));
  write_text_file(path("report.html"), "");
  fs::create_directory(path("empty"));
  EXPECT_EQ(runs({"a", "report.html", "empty"}).runs.size(), 1u);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("found a file; left out"),
                                 HasSubstr("found a folder without config.ini")));
  EXPECT_THAT(test::message_of([&] {
                runs({"a", "b"});
              }),
              HasSubstr("b: expected a run folder, found no such file or folder"));
  EXPECT_THAT(test::message_of([&] { runs({"empty"}); }), "expected run folders, found none");
}

}  // namespace
}  // namespace d2l::report_tool
