#include "framework/base/trace.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace d2l {
namespace {

using nlohmann::json;

constexpr TraceClock kClock{.begin = 1000, .end = 1000, .timeline_begin = 0, .timeline_end = 0};

// The events of `text`.
json parsed(const std::string& text) {
  return json::parse("[" + text.substr(0, text.size() - 2) + "]");
}

// Those of a kind.
std::vector<json> of_kind(const json& events, const std::string& kind) {
  std::vector<json> found;
  for (const json& event : events)
    if (event["ph"] == kind) found.push_back(event);
  return found;
}

TEST(Trace, BecomesEventsOfAChromeTrace) {
  const json events =
      parsed(chrome_events({{"step", Trace::Lane::training, 2000, 5500, 7},
                            {"gradients", Trace::Lane::reductions, 3000, 9000, -1, 4096}},
                           kClock, 3, "rank 3 on \"node\\7\"\n"));
  const std::vector<json> spans = of_kind(events, "X");
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0], json::parse(R"({"ph":"X","name":"step","pid":3,"tid":1,"ts":1.0,"dur":3.5,
                                      "args":{"step":7}})"));
  EXPECT_EQ(spans[1]["args"], json::parse(R"({"bytes":4096})"));
  EXPECT_NE(spans[1]["tid"], spans[0]["tid"]);
  const std::vector<json> names = of_kind(events, "M");
  EXPECT_EQ(names[0]["name"], "process_name");
  EXPECT_EQ(names[0]["args"]["name"], "rank 3 on \"node\\7\"\n");
  const bool has_lane = std::any_of(names.begin(), names.end(), [](const json& event) {
    return event["name"] == "thread_name" && event["args"]["name"] == "sums over ranks";
  });
  EXPECT_TRUE(has_lane);
}

TEST(Trace, NestedEventsShareARowAndOverlappingOnesDoNot) {
  const auto lane = Trace::Lane::reductions;
  const std::vector<json> spans =
      of_kind(parsed(chrome_events({{"inner", lane, 2000, 3000},
                                    {"outer", lane, 1000, 4000},
                                    {"overlaps outer", lane, 3500, 6000},
                                    {"overlaps both", lane, 3600, 7000},
                                    {"after outer", lane, 4000, 5000}},
                                   kClock, 0, "rank 0")),
              "X");
  std::map<std::string, int> rows;
  for (const json& span : spans) rows[span["name"]] = span["tid"];
  EXPECT_EQ(rows["inner"], rows["outer"]);
  EXPECT_EQ(rows["after outer"], rows["outer"]);
  EXPECT_EQ(rows["overlaps outer"], rows["outer"] + 1);
  EXPECT_EQ(rows["overlaps both"], rows["outer"] + 2);
}

TEST(Trace, ClocksOfOtherPaceAreAligned) {
  const TraceClock clock{.begin = 5000, .end = 7000, .timeline_begin = 0, .timeline_end = 4000};
  EXPECT_DOUBLE_EQ(clock.microseconds(5000), 0);
  EXPECT_DOUBLE_EQ(clock.microseconds(6000), 2);
  EXPECT_DOUBLE_EQ(clock.microseconds(7000), 4);
}

TEST(Trace, SpansMeasureAndDoNothingWithoutATrace) {
  Trace trace;
  {
    const TraceSpan whole(&trace, "whole");
    TraceSpan part(&trace, "part", Trace::Lane::saving, 5);
    part.end();
    const TraceSpan nothing(nullptr, "nothing");
  }
  const auto events = trace.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_STREQ(events[0].name, "part");
  EXPECT_EQ(events[0].step, 5);
  EXPECT_LE(events[1].begin, events[0].begin);
  EXPECT_LE(events[0].end, events[1].end);
}

TEST(Trace, EndsWhenItIsFull) {
  Trace trace(100);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 25; ++k) trace.add({"event"});
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(trace.events().size(), 100U);
  EXPECT_FALSE(trace.is_full());
  trace.add({"one more"});
  EXPECT_TRUE(trace.is_full());
  EXPECT_EQ(trace.events().size(), 100U);
}

}  // namespace
}  // namespace d2l
