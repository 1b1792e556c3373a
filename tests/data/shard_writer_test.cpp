#include "data/shards/shard_writer.h"

#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/data/data_support.h"
#include "tests/data/mixed_shards.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

class Writer : public testing::Test {
 protected:
  fs::path path() const { return folder.path() / "train-00000-of-00001.h5"; }
  // The error of add() without the file's name.
  std::string refusal(const MixedSample& sample, const ShardInfo& info) {
    ShardWriter writer(path(), info);
    const std::string begin = "cannot write " + path().string() + ": ";
    const std::string message = message_of([&] { writer.add(sample.view(), sample.name); });
    EXPECT_EQ(message.substr(0, begin.size()), begin);
    return message.substr(std::min(begin.size(), message.size()));
  }

  TemporaryFolder folder;
};

TEST_F(Writer, SameSamplesSameBytes) {
  for (int deflate : {0, 6}) {
    TemporaryFolder other;
    write_mixed(folder.path(), mixed_samples(100), {.deflate = deflate});
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // timestamps are in seconds
    write_mixed(other.path(), mixed_samples(100), {.deflate = deflate});
    EXPECT_EQ(bytes_of(path()), bytes_of(other.path() / path().filename()));
  }
}

TEST_F(Writer, WithoutFinishThereIsNoFile) {
  {
    ShardWriter writer(path(), mixed_info(10), 100);
    for (const MixedSample& sample : mixed_samples(10)) writer.add(sample.view(), sample.name);
    EXPECT_FALSE(fs::is_empty(folder.path()));
    EXPECT_FALSE(fs::exists(path()));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(Writer, ALargeSampleHasAChunkOfItsOwn) {
  std::vector<MixedSample> samples = mixed_samples(3);
  samples[1].bytes = noise(10000);
  write_mixed(folder.path(), samples, {.chunk_bytes = 5000});
  const ShardFile shard(path());
  ASSERT_EQ(shard.blocks(), 3);
  EXPECT_EQ(shard.block(1).bytes, 10000 + sizeof(SampleRecord));
}

TEST_F(Writer, OnlyWhatCompressesIsCompressed) {
  std::vector<MixedSample> samples = mixed_samples(40);
  write_mixed(folder.path(), samples, {.chunk_bytes = 1, .deflate = 9});
  const ShardFile mixed(path());
  EXPECT_FALSE(mixed.has_single_samples());
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i].bytes = noise(samples[i].bytes.size(), 100 + i);
  write_mixed(folder.path(), samples, {.deflate = 9});
  const ShardFile incompressible(path());
  EXPECT_TRUE(incompressible.has_single_samples());
  EXPECT_EQ(incompressible.info().deflate, 9);
}

TEST_F(Writer, WrongSamplesAreRefused) {
  const ShardInfo info = mixed_info(10);
  ShardInfo one_size = info;
  one_size.dataset.shape = {2, 3, 3};
  const MixedSample good{Encoding::pixels, noise(18), {2, 3, 3}, 4, "a/b.png"};
  auto changed = [&](const auto& change) {
    MixedSample sample = good;
    change(sample);
    return sample;
  };
  ShardWriter(path(), one_size).add(good.view(), good.name);
  const std::string place = "sample 0 (a/b.png): ";
  EXPECT_EQ(refusal(changed([](MixedSample& s) { s.label = 5; }), info),
            place + "expected labels in [0, 5), found 5");
  EXPECT_EQ(refusal(changed([](MixedSample& s) { s.label = -1; }), info),
            place + "expected labels in [0, 5), found -1");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.shape = {2, 4, 3};
                    }),
                    info),
            place + "expected 24 bytes of pixels for shape [2, 4, 3], found 18");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.shape = {3, 2, 3};
                    }),
                    one_size),
            place + "expected images of shape [2, 3, 3], found [3, 2, 3]");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.shape = {3, 6, 1};
                    }),
                    info),
            place + "expected pixels of 3 channels, found 1");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.shape = {2, 0, 3};
                    }),
                    info),
            place + "expected an image of height, width, channels, found shape [2, 0, 3]");
  EXPECT_EQ(refusal(changed([](MixedSample& s) { s.encoding = static_cast<Encoding>(4); }), info),
            place + "expected an encoding of images, found 4");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.encoding = Encoding::png;
                      s.shape = {2, 3, 4};
                    }),
                    info),
            place + "expected images of 1 or 3 channels, found 4");
  EXPECT_EQ(refusal(changed([](MixedSample& s) {
                      s.encoding = Encoding::jpeg;
                      s.bytes.clear();
                    }),
                    info),
            place + "expected 1 to 268435456 bytes, found 0");
  EXPECT_EQ(
      refusal(changed([](MixedSample& s) { s.name = std::string("x\0y", 3); }), info).substr(0, 10),
      "sample 0 (");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(Writer, WrongNumbersAtTheEndAreRefused) {
  auto message = [&](int64_t first, int64_t total, uint64_t more_pixels) {
    ShardWriter writer(path(), mixed_info(0));
    const MixedSample sample = mixed_samples(1)[0];
    writer.add(sample.view(), "");
    PixelSums sums;
    sums.add(sample.bytes.data(), sample.shape);
    sums.pixels += more_pixels;
    writer.add(sums);
    return message_of([&] { writer.finish(first, total); });
  };
  const std::string begin = "cannot write " + path().string() + ": ";
  EXPECT_EQ(message(5, 5, 0), begin + "expected at most 5 samples, found 5 and 1 after them");
  EXPECT_NE(message(0, 1, 1).find(begin + "expected sums of all "), std::string::npos);
  ShardWriter none(path(), mixed_info(0));
  EXPECT_EQ(message_of([&] { none.finish(0, 1); }), begin + "expected at least one sample");
  EXPECT_FALSE(fs::exists(path()));
}

// Limits the size of files that this process writes, like a full disk, while it exists.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_F(Writer, WhereverTheDiskIsFullNothingIsLeft) {
  const std::vector<MixedSample> samples = mixed_samples(300);
  write_mixed(folder.path(), samples);
  const uint64_t size = fs::file_size(path()), step = size / 40;
  fs::remove(path());
  for (uint64_t room = 0; room < size; room += step) {
    std::string message;
    {
      const FileSizeLimit limit(room);
      message = message_of([&] { write_mixed(folder.path(), samples); });
    }
    EXPECT_EQ(message.rfind("cannot write " + path().string() + ": ", 0), 0U) << message;
    EXPECT_NE(message.find("File too large"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(fs::is_empty(folder.path())) << room;
  }
}

TEST(PixelSumsTest, EqualPlainLoops) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{7, 5, 3}, Shape{300, 401, 3}, Shape{9, 9, 4}}) {
    const std::vector<uint8_t> image = noise(static_cast<size_t>(shape.elements()));
    PixelSums sums;
    sums.add(image.data(), shape);
    sums.add(image.data(), shape);
    const auto channels = static_cast<size_t>(shape[2]);
    std::vector<uint64_t> values(channels), squares(channels);
    for (size_t i = 0; i < image.size(); ++i) {
      values[i % channels] += 2ULL * image[i];
      squares[i % channels] += 2ULL * image[i] * image[i];
    }
    EXPECT_EQ(sums.pixels, static_cast<uint64_t>(2 * shape[0] * shape[1]));
    EXPECT_EQ(sums.values, values);
    EXPECT_EQ(sums.squares, squares);
  }
  // 32 bits would overflow.
  const std::vector<uint8_t> white(5000 * 4000, 255);
  PixelSums sums;
  sums.add(white.data(), {5000, 4000, 1});
  EXPECT_EQ(sums.squares[0], uint64_t{65025} * 5000 * 4000);
  EXPECT_EQ(sums.mean(), std::vector<double>{1});
  EXPECT_EQ(sums.deviation(), std::vector<double>{0});
}

}  // namespace
}  // namespace d2l::data::test
