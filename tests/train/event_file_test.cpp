#include "framework/train/event_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <map>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/train/metrics_file.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

template <class Number>
Number number_at(const std::string& bytes, size_t place) {
  Number number;
  std::memcpy(&number, bytes.data() + place, sizeof number);
  return number;
}

// The contents of the records of a file. Throws Error if a length or a checksum is wrong.
std::vector<std::string> records_of(const std::string& bytes) {
  const auto masked = [](const std::string& text) {
    const uint32_t crc = crc32c(text.data(), text.size());
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  };
  std::vector<std::string> records;
  for (size_t place = 0; place < bytes.size();) {
    const auto size = number_at<uint64_t>(bytes, place);
    check(number_at<uint32_t>(bytes, place + 8) == masked(bytes.substr(place, 8)), "length");
    records.push_back(bytes.substr(place + 12, size));
    check(records.back().size() == size, "size");
    check(number_at<uint32_t>(bytes, place + 12 + size) == masked(records.back()), "data");
    place += 16 + size;
  }
  return records;
}

uint64_t take_varint(const std::string& bytes, size_t& place) {
  uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.at(place++));
    number |= uint64_t{byte & 127u} << shift;
    if (byte < 128) return number;
  }
}

// The fields of a message by number, as their bytes; integers as text.
std::multimap<uint64_t, std::string> fields_of(const std::string& message) {
  std::multimap<uint64_t, std::string> fields;
  for (size_t place = 0; place < message.size();) {
    const uint64_t key = take_varint(message, place), field = key >> 3, type = key & 7;
    if (type == 0) {
      fields.emplace(field, std::to_string(take_varint(message, place)));
      continue;
    }
    const size_t size = type == 1 ? 8 : type == 5 ? 4 : take_varint(message, place);
    fields.emplace(field, message.substr(place, size));
    place += size;
  }
  return fields;
}

std::string only(const std::multimap<uint64_t, std::string>& fields, uint64_t field) {
  EXPECT_EQ(fields.count(field), 1u) << field;
  return fields.count(field) == 0 ? "" : fields.find(field)->second;
}

// The values of a Summary by tag.
std::map<std::string, float> values_of(const std::string& summary) {
  std::map<std::string, float> values;
  for (const auto& [field, value] : fields_of(summary)) {
    EXPECT_EQ(field, 1u);
    values[only(fields_of(value), 1)] = number_at<float>(only(fields_of(value), 2), 0);
  }
  return values;
}

class Events : public testing::Test {
 protected:
  EventFile::Options options(int64_t after_step = 0) {
    return {.after_step = after_step,
            .warn = [this](const std::string& line) { warnings_.push_back(line); }};
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> paths;
    if (fs::exists(at_))
      for (const auto& entry : fs::directory_iterator(at_)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  test::TemporaryFolder folder_;
  fs::path at_ = folder_.path() / "run" / "tensorboard";
  std::vector<std::string> warnings_;
};

TEST_F(Events, AreRecordsWithChecksums) {
  EventFile events(at_, options());
  EXPECT_THAT(files(), IsEmpty());
  const auto before = static_cast<double>(std::time(nullptr));
  events.add(300, {{"train/loss", 2.5}, {"train/lr", 0.125}});
  events.add(70'000'000'000, {{"test/accuracy", 0.75}});
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(files()[0].filename().string(), testing::StartsWith("events.out.tfevents."));
  const std::vector<std::string> records = records_of(read_text_file(files()[0]));
  ASSERT_THAT(records, SizeIs(4));
  EXPECT_EQ(only(fields_of(records[0]), 3), "brain.Event:2");
  EXPECT_EQ(only(fields_of(records[1]), 2), "1");                      // the first step
  EXPECT_EQ(only(fields_of(only(fields_of(records[1]), 7)), 1), "1");  // SessionLog.START
  const auto first = fields_of(records[2]), second = fields_of(records[3]);
  EXPECT_NEAR(number_at<double>(only(first, 1), 0), before, 100);
  EXPECT_EQ(only(first, 2), "300");
  EXPECT_THAT(values_of(only(first, 5)),
              ElementsAre(Pair("train/loss", 2.5f), Pair("train/lr", 0.125f)));
  EXPECT_EQ(only(second, 2), "70000000000");
  EXPECT_THAT(values_of(only(second, 5)), ElementsAre(Pair("test/accuracy", 0.75f)));
}

TEST_F(Events, EachJobHasAFileThatSupersedesLaterSteps) {
  for (const int64_t after_step : {0, 40, 20}) {
    EventFile events(at_, options(after_step));
    events.add(after_step + 10, {{"train/loss", static_cast<double>(after_step)}});
  }
  ASSERT_THAT(files(), SizeIs(3));  // in the order of the jobs, within one second
  std::vector<std::string> starts, steps;
  for (const fs::path& path : files()) {
    const std::vector<std::string> records = records_of(read_text_file(path));
    starts.push_back(only(fields_of(records[1]), 2));
    steps.push_back(only(fields_of(records[2]), 2));
  }
  EXPECT_THAT(starts, ElementsAre("1", "41", "21"));
  EXPECT_THAT(steps, ElementsAre("10", "50", "30"));
}

TEST_F(Events, AreTheNumbersOfTheMetrics) {
  EventFile events(at_, options());
  MetricsFile::Options metrics;
  metrics.metrics = {"rmse", "mae"};
  metrics.events = &events;
  MetricsFile file(folder_.path() / "metrics.csv", MetricsFile::header(metrics.metrics) + "\n",
                   metrics);
  file.add({.step = 10,
            .loss = 1.5,
            .lr = 0.5,
            .examples_per_s = 100,
            .data_wait_s = 1,
            .comm_wait_s = 2});
  file.add_evaluation({.step = 10, .loss = 0.25, .metrics = {3, 4}});
  const std::vector<std::string> records = records_of(read_text_file(files().at(0)));
  ASSERT_THAT(records, SizeIs(4));
  EXPECT_THAT(values_of(only(fields_of(records[2]), 5)),
              ElementsAre(Pair("speed/comm_wait_s", 2), Pair("speed/data_wait_s", 1),
                          Pair("speed/examples_per_s", 100), Pair("train/loss", 1.5),
                          Pair("train/lr", 0.5)));
  EXPECT_THAT(values_of(only(fields_of(records[3]), 5)),
              ElementsAre(Pair("test/loss", 0.25), Pair("test/mae", 4), Pair("test/rmse", 3)));
}

TEST_F(Events, AFolderThatCannotBeMadeIsOneWarning) {
  write_text_file(folder_.path() / "run", "a file");
  EventFile events(at_, options());
  events.add(1, {{"train/loss", 1}});
  events.add(2, {{"train/loss", 1}});
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("no events for TensorBoard")));
  fs::remove(folder_.path() / "run");
  events.add(3, {{"train/loss", 1}});
  EXPECT_THAT(records_of(read_text_file(files().at(0))), SizeIs(3));
}

TEST_F(Events, AFullDiskLeavesCompleteRecords) {
  fs::create_directories(at_.parent_path());
  const test::SmallDisk disk(at_.parent_path(), "size=32k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small file system is not permitted here";
  EventFile events(at_, options());
  for (int64_t step = 1; step < 2000; ++step) events.add(step, {{"train/loss", 1}});
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("No space left on device; its events are lost")));
  const std::vector<std::string> records = records_of(read_text_file(files().at(0)));
  EXPECT_GT(records.size(), 100u);
  EXPECT_LT(records.size(), 2000u);
}

}  // namespace
}  // namespace d2l
