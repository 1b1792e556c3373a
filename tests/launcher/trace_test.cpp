#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// The file of --trace.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int kSteps = 6;
constexpr int64_t kGradientBytes = 4 * 269'322;  // of dropout-mlp

struct Span {
  double begin = 0, end = 0;
};

class TraceOption : public testing::Test {
 protected:
  Words options() const {
    return {"--model",      "dropout-mlp",
            "--max-steps",  std::to_string(kSteps),
            "--eval-every", "3",
            "--save-every", "3",
            "--trace",      file_.string(),
            "--out",        (folder_.path() / "run").string()};
  }
  static json events_of(const fs::path& file) {
    return json::parse(read_text_file(file))["traceEvents"];
  }
  // The events of a rank with this name.
  static std::vector<json> named(const json& events, int rank, const std::string& name) {
    std::vector<json> found;
    for (const json& event : events)
      if (event["ph"] == "X" && event["pid"] == rank + 1 && event["name"] == name)
        found.push_back(event);
    return found;
  }

  const TemporaryFolder folder_;
  const fs::path file_ = folder_.path() / "trace.json";
};

// The children of an event lie inside of it, and the others outside.
void expect_nested(const json& events) {
  std::map<std::pair<int, int>, std::vector<Span>> rows;
  for (const json& event : events)
    if (event["ph"] == "X")
      rows[{event["pid"], event["tid"]}].push_back(
          {event["ts"], event["ts"].get<double>() + event["dur"].get<double>()});
  constexpr double kRounding = 0.002;  // microseconds
  for (const auto& [row, spans] : rows) {
    std::vector<Span> open;
    for (const Span& span : spans) {
      EXPECT_LE(span.begin, span.end);
      while (!open.empty() && open.back().end <= span.begin + kRounding) open.pop_back();
      if (!open.empty()) {
        ASSERT_LE(open.back().begin, span.begin) << "not in the order of begins";
        EXPECT_LE(span.end, open.back().end + kRounding);
      }
      open.push_back(span);
    }
  }
}

TEST_F(TraceOption, HasTheStepsOfAllRanks) {
  const ProgramResult result = train(2, options());
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, ContainsRegex("trace .*/trace.json, the ranks' clocks differ by at "
                                           "most [0-9.]+ us"));
  const json events = events_of(file_);
  expect_nested(events);
  std::set<std::string> processes;
  for (const json& event : events)
    if (event["name"] == "process_name") processes.insert(event["args"]["name"]);
  EXPECT_THAT(processes,
              testing::ElementsAre(ContainsRegex("^rank 0 on ."), ContainsRegex("^rank 1 on .")));
  for (const int rank : {0, 1}) {
    const auto count = [&](const char* name) { return named(events, rank, name).size(); };
    EXPECT_EQ(count("step"), size_t{kSteps});
    for (const char* part : {"data wait", "forward", "backward", "optimizer"})
      EXPECT_EQ(count(part), size_t{kSteps}) << part;
    EXPECT_EQ(count("evaluation"), 2U);
    EXPECT_EQ(count("save"), rank == 0 ? 2U : 0U);
    EXPECT_GE(count("waiting for ranks"), size_t{kSteps});
    EXPECT_GE(count("read samples"), size_t{kSteps});
    // 1.08 MB of gradients: two buckets.
    const auto sums = named(events, rank, "gradients");
    const auto steps = named(events, rank, "step");
    for (const json& step : steps) {
      std::multiset<int64_t> bytes;
      for (const json& sum : sums)
        if (sum["ts"] >= step["ts"] &&
            sum["ts"] <= step["ts"].get<double>() + step["dur"].get<double>())
          bytes.insert(sum["args"]["bytes"].get<int64_t>());
      EXPECT_EQ(bytes.size(), 2U);
      int64_t all = 0;
      for (const int64_t part : bytes) all += part;
      EXPECT_GE(all, kGradientBytes);
    }
    EXPECT_EQ(sums.size(), size_t{2 * kSteps});
    for (int i = 0; i < kSteps; ++i)
      EXPECT_EQ(steps[static_cast<size_t>(i)]["args"]["step"], i + 1);
  }
}

TEST_F(TraceOption, EachRankWritesItsOwnFileAfterAnError) {
  const ProgramResult result = train(2, options() + Words{"--lr", "1e30"});
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("the loss is"));
  for (const int rank : {0, 1}) {
    const json events = events_of(folder_.path() / concat("trace.rank", rank, ".json"));
    EXPECT_GE(named(events, rank, "step").size(), 1U);
    expect_nested(events);
  }
}

TEST_F(TraceOption, OneRankAndAnEarlyStopHaveATraceToo) {
  const ProgramResult result =
      train(0, options() + Words{"--epochs", "100000", "--max-steps", "0", "--max-time", "1s"});
  EXPECT_EQ(result.exit_code, kStoppedEarly) << result.output;
  const json events = events_of(file_);
  EXPECT_GE(named(events, 0, "step").size(), 1U);
  expect_nested(events);
}

TEST_F(TraceOption, AFileThatCannotBeWrittenIsRefusedAtOnce) {
  const ProgramResult result =
      train(2, options() + Words{"--trace", (folder_.path() / "no/trace.json").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("no/trace.json"));
  EXPECT_FALSE(fs::exists(folder_.path() / "run/config.ini"));
}

}  // namespace
}  // namespace d2l::test
