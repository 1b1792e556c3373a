#include "framework/checkpoint/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <thread>

#include "framework/base/timer.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/program.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Snapshot everything() {
  using Limits = std::numeric_limits<float>;
  Snapshot snapshot;
  snapshot.arrays["all/f32"] =
      array_of<float>({2, 4}, {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), -0.0f,
                               Limits::denorm_min(), Limits::max(), Limits::lowest(), 1.5f});
  snapshot.arrays["all/f64"] =
      array_of<double>({3}, {1e-320, std::numeric_limits<double>::signaling_NaN(), -1});
  snapshot.arrays["all/i32"] = array_of<int32_t>({1, 1, 2}, {INT32_MIN, INT32_MAX});
  snapshot.arrays["all/i64"] = array_of<int64_t>({2}, {INT64_MIN, INT64_MAX});
  snapshot.arrays["all/u8"] = array_of<uint8_t>({3}, {0, 128, 255});
  snapshot.arrays["scalar"] = array_of<float>({}, {7});
  snapshot.arrays["empty/vector"] = array_of<float>({0}, {});
  snapshot.arrays["empty/matrix"] = array_of<int64_t>({3, 0, 2}, {});
  snapshot.arrays["deep"] = ramp({1, 2, 1, 2, 1, 2, 1, 2});
  snapshot.arrays["a/b/c/stage2.0.conv1.weight"] = ramp({4});
  snapshot.arrays["a/b. with spaces, \"quotes\" and umlaut \xC3\xA4"] = ramp({2});
  snapshot.integers["progress/smallest"] = INT64_MIN;
  snapshot.reals["progress/nan"] = std::numeric_limits<double>::quiet_NaN();
  snapshot.reals["progress/minus_zero"] = -0.0;
  snapshot.texts["config"] = "model = lenet\n";
  snapshot.texts["notes/empty"] = "";
  snapshot.texts["notes/zeros"] = std::string("\0a\0\0", 4);
  return snapshot;
}

TEST(CheckpointFile, RoundTripIsExact) {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "a.h5";
  write_checkpoint(path, everything());
  EXPECT_TRUE(same(read_checkpoint(path), everything()));
  EXPECT_FALSE(same(read_checkpoint(path), sample_snapshot()));
}

TEST(CheckpointFile, ItsSizeIsKnownBefore) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a.h5";
  for (const Snapshot& snapshot : {Snapshot(), everything(), sample_snapshot()}) {
    write_checkpoint(path, snapshot);
    EXPECT_EQ(checkpoint_bytes(snapshot), std::filesystem::file_size(path));
  }
}

TEST(CheckpointFile, AnEmptySnapshotIsACheckpoint) {
  TemporaryFolder folder;
  write_checkpoint(folder.path() / "a.h5", {});
  EXPECT_TRUE(same(read_checkpoint(folder.path() / "a.h5"), {}));
}

TEST(CheckpointFile, ThousandsOfPieces) {
  Snapshot snapshot;
  for (int i = 0; i < 2000; ++i) {
    std::string name = std::to_string(i % 7) + "/layer" + std::to_string(i);
    snapshot.arrays[name] = ramp({i % 13}, static_cast<float>(i));
  }
  TemporaryFolder folder;
  write_checkpoint(folder.path() / "a.h5", snapshot);
  EXPECT_TRUE(same(read_checkpoint(folder.path() / "a.h5"), snapshot));
}

TEST(CheckpointFile, SameSnapshotSameBytes) {
  TemporaryFolder folder;
  write_checkpoint(folder.path() / "a.h5", everything());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5's timestamps are in seconds
  write_checkpoint(folder.path() / "b.h5", everything());
  EXPECT_EQ(bytes_of(folder.path() / "a.h5"), bytes_of(folder.path() / "b.h5"));
}

TEST(CheckpointFile, ReplacesTheOldFileAndLeavesNothingElse) {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "a.h5";
  write_checkpoint(path, everything());
  write_checkpoint(path, sample_snapshot());
  EXPECT_TRUE(same(read_checkpoint(path), sample_snapshot()));
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    files += entry.exists();
  EXPECT_EQ(files, 1u);
}

TEST(CheckpointFile, OtherProgramsReadIt) {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "a.h5";
  write_checkpoint(path, sample_snapshot());
  if (run_program({"h5dump", "--version"}).exit_code != 0) GTEST_SKIP() << "h5dump is not there";
  ProgramResult names = run_program({"h5dump", "-n", path.string()});
  EXPECT_EQ(names.exit_code, 0) << names.output;
  EXPECT_THAT(names.output, HasSubstr("/parameters/conv1.weight"));
  EXPECT_THAT(names.output, HasSubstr("/optimizer/velocity/fc.weight"));
  ProgramResult shape = run_program({"h5dump", "-H", "-d", "/parameters/fc.weight", path.string()});
  EXPECT_THAT(shape.output, HasSubstr("H5T_IEEE_F32LE"));
  EXPECT_THAT(shape.output, HasSubstr("( 10, 84 )"));
  ProgramResult bias = run_program({"h5dump", "-d", "/parameters/conv1.bias", path.string()});
  EXPECT_THAT(bias.output, HasSubstr("42, 42.5, 43, 43.5, 44, 44.5"));
  ProgramResult step = run_program({"h5dump", "-d", "/progress/step", path.string()});
  EXPECT_THAT(step.output, HasSubstr("(0): 42"));
  ProgramResult config = run_program({"h5dump", "-d", "/config", path.string()});
  EXPECT_THAT(config.output, HasSubstr("model = lenet"));
}

TEST(CheckpointFile, RefusesNamesThatAreNoPaths) {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "a.h5";
  for (std::string name : {"", "/a", "a/", "a//b", ".", "a/./b", "a/../b", "a\nb", "a\x01"}) {
    Snapshot snapshot;
    snapshot.integers[name] = 1;
    std::string message = message_of([&] { write_checkpoint(path, snapshot); });
    EXPECT_THAT(message, HasSubstr("the name of an entry")) << name;
    EXPECT_THAT(message, HasSubstr(path.string()));
  }
  Snapshot twice;
  twice.integers["a"] = 1;
  twice.reals["a"] = 1;
  EXPECT_THAT(message_of([&] { write_checkpoint(path, twice); }), HasSubstr("named a"));
  Snapshot nested;
  nested.integers["a"] = 1;
  nested.integers["a/b"] = 1;
  EXPECT_THAT(message_of([&] { write_checkpoint(path, nested); }), HasSubstr("the group a"));
  Snapshot wrong_size;
  wrong_size.arrays["w"] = {DType::f32, {2}, std::vector<uint8_t>(7)};
  EXPECT_THAT(message_of([&] { write_checkpoint(path, wrong_size); }),
              HasSubstr("w: f32 [2] has 8 bytes, found 7"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

std::vector<std::string> unfinished_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".tmp") names.push_back(entry.path().filename());
  return names;
}

TEST(CheckpointFile, WriteErrorsNamePathAndCause) {
  TemporaryFolder folder;
  std::filesystem::path gone = folder.path() / "gone" / "a.h5";
  std::string message = message_of([&] { write_checkpoint(gone, sample_snapshot()); });
  EXPECT_THAT(message, HasSubstr(gone.string()));
  EXPECT_THAT(message, HasSubstr("No such file or directory"));
  put_bytes(folder.path() / "file", "x");
  std::filesystem::path below = folder.path() / "file" / "a.h5";
  message = message_of([&] { write_checkpoint(below, sample_snapshot()); });
  EXPECT_THAT(message, HasSubstr("Not a directory"));
  std::filesystem::create_directory(folder.path() / "b.h5");
  message = message_of([&] { write_checkpoint(folder.path() / "b.h5", sample_snapshot()); });
  EXPECT_THAT(message, HasSubstr("it is a folder"));
  EXPECT_THAT(unfinished_in(folder.path()), IsEmpty());
}

// After a failed write, the old file is unchanged and the temporary one is removed.
void expect_old_file_survives(const std::filesystem::path& folder, const std::string& cause) {
  std::filesystem::path path = folder / "a.h5";
  Snapshot large;
  large.arrays["w"] = ramp({200000});
  std::string message = message_of([&] { write_checkpoint(path, large); });
  EXPECT_THAT(message, HasSubstr("cannot write " + path.string()));
  EXPECT_THAT(message, HasSubstr(cause));
  EXPECT_THAT(unfinished_in(folder), IsEmpty());
  EXPECT_TRUE(same(read_checkpoint(path), sample_snapshot()));
}

TEST(CheckpointFile, FileSizeLimitLosesNothing) {
  TemporaryFolder folder;
  write_checkpoint(folder.path() / "a.h5", sample_snapshot());
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{100000, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_old_file_survives(folder.path(), "File too large");
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
}

TEST(CheckpointFile, FullDiskLosesNothing) {
  TemporaryFolder folder;
  SmallDisk disk(folder.path(), "size=400k");
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system (needs root)";
  write_checkpoint(folder.path() / "a.h5", sample_snapshot());
  expect_old_file_survives(folder.path(), "No space left on device");
}

// The peak memory of this process in bytes.
int64_t largest_memory() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

TEST(CheckpointFile, LargeOnesCostLittleMoreThanTheirBytes) {
  Snapshot snapshot;
  for (int i = 0; i < 100; ++i)
    snapshot.arrays["parameters/layer" + std::to_string(i)] = ramp({250000});
  TemporaryFolder folder;
  const int64_t memory_before = largest_memory();
  Timer timer;
  write_checkpoint(folder.path() / "a.h5", snapshot);
  double written = timer.seconds();
  const int64_t taken = largest_memory() - memory_before;
#ifdef D2L_SANITIZE
  constexpr int64_t kMost = 200'000'000;  // freed memory is kept for a while
#else
  constexpr int64_t kMost = 10'000'000;
#endif
  EXPECT_LT(taken, kMost);
  timer.restart();
  Snapshot found = read_checkpoint(folder.path() / "a.h5");
  double read = timer.seconds();
  timer.restart();
  size_t bytes = std::filesystem::file_size(folder.path() / "a.h5");
  put_bytes(folder.path() / "b", std::string(bytes, 'x'));
  int descriptor = open((folder.path() / "b").c_str(), O_RDONLY);
  ASSERT_GE(descriptor, 0);
  fsync(descriptor);
  ::close(descriptor);
  std::cout << "100 MB: written in " << written << " s, read and verified in " << read
            << " s, plain write and fsync " << timer.seconds() << " s\n";
  EXPECT_TRUE(same(found, snapshot));
  EXPECT_LT(bytes, 100'100'000u);
}

}  // namespace
}  // namespace d2l::test
