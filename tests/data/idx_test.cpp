#include "data/formats/idx.h"

#include <sys/resource.h>
#include <zlib.h>

#include "tests/data/data_support.h"
#include "tests/support/program.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

// Header bytes written by hand, so that writer and reader are not only tested against each other.
Bytes header(uint8_t type, const std::vector<uint32_t>& sizes) {
  Bytes bytes{0, 0, type, static_cast<uint8_t>(sizes.size())};
  for (uint32_t size : sizes)
    for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(size >> shift));
  return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes gzip(const Bytes& bytes) {
  Bytes out(bytes.size() + 1000);
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(IdxFile, WrittenBytesAreTheFormat) {
  TemporaryFolder folder;
  write_idx(folder.path() / "a", {2, 300}, noise(600));
  EXPECT_EQ(bytes_of(folder.path() / "a"),
            (Bytes{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 1, 44} + noise(600)));
}

TEST(IdxFile, RoundTripPlainAndCompressed) {
  TemporaryFolder folder;
  for (const char* name : {"a", "a.gz"}) {
    const Bytes bytes = noise(50 * 28 * 28);
    write_idx(folder.path() / name, {50, 28, 28}, bytes);
    const IdxArray array = read_idx(folder.path() / name);
    EXPECT_EQ(array.shape, (Shape{50, 28, 28}));
    EXPECT_EQ(array.bytes, bytes);
  }
  EXPECT_EQ(bytes_of(folder.path() / "a.gz")[0], 0x1f);
}

TEST(IdxFile, ContentDecidesWhetherItIsCompressed) {
  TemporaryFolder folder;
  write_bytes(folder.path() / "plain.gz", header(8, {3}) + Bytes{1, 2, 3});
  write_bytes(folder.path() / "packed", gzip(header(8, {3}) + Bytes{1, 2, 3}));
  EXPECT_EQ(read_idx(folder.path() / "plain.gz").bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(read_idx(folder.path() / "packed").bytes, (Bytes{1, 2, 3}));
}

TEST(IdxFile, HostileFilesGetOneClearLine) {
  const Bytes five{1, 2, 3, 4, 5};
  const Bytes packed = gzip(header(8, {600}) + noise(600));
  Bytes wrong_crc = packed;
  wrong_crc[packed.size() - 8] ^= 1;
  struct Case {
    Bytes bytes;
    std::string message;
  };
  const std::vector<Case> cases{
      {{}, "expected an IDX file, found only 0 bytes"},
      {{0, 0, 8}, "expected an IDX file, found only 3 bytes"},
      {{'P', 'K', 8, 1}, "expected an IDX file, which begins with two zero bytes, found 0x50 0x4b"},
      {header(0x0d, {5}) + five, "expected unsigned bytes (type 0x08), found 32-bit floats (0x0d)"},
      {header(0x07, {5}) + five,
       "expected unsigned bytes (type 0x08), found an unknown type (0x07)"},
      {{0, 0, 8, 0}, "expected 1 to 4 axes, found 0"},
      {{0, 0, 8, 200, 1, 2, 3, 4}, "expected 1 to 4 axes, found 200"},
      {{0, 0, 8, 2, 0, 0, 0}, "expected a header of 12 bytes, found only 7"},
      {header(8, {0}), "axis 0 has size 0"},
      {header(8, {5, 0}) + five, "axis 1 has size 0"},
      {header(8, {6}) + five,
       "its header promises elements of shape [6], the file can hold at most 5 bytes"},
      {header(8, {4}) + five, "elements of shape [4] need 4 bytes, found 5"},
      {header(8, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}) + five,
       "its header promises elements of shape [4294967295, 4294967295, 4294967295, 4294967295], "
       "the file can hold at most 5 bytes"},
      {gzip(header(8, {6}) + five), "elements of shape [6] need 6 bytes, found 5"},
      {gzip(header(8, {4}) + five), "elements of shape [4] need 4 bytes, found more"},
      {gzip(header(8, {0xffffffff, 0xffffffff}) + five),
       "its header promises elements of shape [4294967295, 4294967295], the file can hold at "
       "most "},
      {Bytes(packed.begin(), packed.begin() + 300), "the gzip data ends early, after 300 bytes"},
      {Bytes(packed.begin(), packed.end() - 1), "the gzip data ends early, after "},
      {packed + five, "found 5 bytes after the end of the gzip data, expected none or zeros"},
      {packed + Bytes(512) + Bytes{1}, "found 513 bytes after the end of the gzip data"},
      {wrong_crc, "damaged gzip data: incorrect data check"},
      {{0x1f, 0x8b, 9, 9, 9, 9, 9, 9}, "damaged gzip data: unknown compression method"},
  };
  TemporaryFolder folder;
  const auto path = folder.path() / "hostile";
  for (const Case& hostile : cases) {
    write_bytes(path, hostile.bytes);
    const std::string message = message_of([&] { read_idx(path); });
    EXPECT_EQ(message.substr(0, (path.string() + ": " + hostile.message).size()),
              path.string() + ": " + hostile.message);
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

// gzip -t decides: zero padding and several members (also from pigz and bgzip) are valid, other
// bytes after the last member are not.
TEST(IdxFile, AcceptsWhatGzipAccepts) {
  const Bytes content = header(8, {3000}) + noise(3000);
  const auto part = [&](size_t begin, size_t end) {
    return gzip(Bytes(content.begin() + static_cast<ptrdiff_t>(begin),
                      content.begin() + static_cast<ptrdiff_t>(end)));
  };
  const Bytes whole = gzip(content), two = part(0, 2) + part(2, 3008);
  const Bytes cut(whole.begin(), whole.begin() + 15);
  const std::vector<std::pair<Bytes, bool>> cases{
      {whole, true},
      {whole + Bytes(512), true},
      {whole + Bytes(2'000'000), true},
      {two, true},
      {part(0, 8) + part(8, 8) + part(8, 2000) + part(2000, 3008) + Bytes(1), true},
      {gzip({}) + whole + gzip({}), true},
      {whole + Bytes{7}, false},
      {whole + Bytes{0x1f}, false},
      {whole + Bytes{0x1f, 0x8b}, false},
      {whole + Bytes{0, 0, 1}, false},
      {part(0, 2000) + Bytes(512) + part(2000, 3008), false},
      {two + cut, false},
      {cut, false}};
  TemporaryFolder folder;
  const auto path = folder.path() / "content.gz";
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto& [bytes, good] = cases[i];
    write_bytes(path, bytes);
    EXPECT_EQ(run_program({"/bin/gzip", "-t", path.string()}).exit_code == 0, good) << i;
    if (good)
      EXPECT_EQ(read_idx(path).bytes, noise(3000)) << i;
    else
      EXPECT_NE(message_of([&] { read_idx(path); }).find(path.string()), std::string::npos) << i;
  }
}

// Damage in any member is detected, and so is content beyond the header's sizes.
TEST(IdxFile, EveryMemberIsChecked) {
  const Bytes content = header(8, {40}) + noise(40);
  Bytes second = gzip({});
  const Bytes first = gzip(content);
  const auto message = [&](const Bytes& bytes) {
    return message_of([&] { parse_idx(bytes, "file"); });
  };
  second[second.size() - 8] ^= 1;
  EXPECT_EQ(message(first + second), "file: damaged gzip data: incorrect data check");
  EXPECT_EQ(message(first + gzip({9})), "file: elements of shape [40] need 40 bytes, found more");
}

TEST(IdxFile, UnreadablePathsAreNamed) {
  TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(message_of([&] { read_idx(path + "/absent"); }),
            "cannot read " + path + "/absent: No such file or directory");
  EXPECT_EQ(message_of([&] { read_idx(path); }), "cannot read " + path + ": it is a folder");
}

// 20 MB of zeros compress to less than 100 KB; the header claims too little, then too much.
TEST(IdxFile, ALyingHeaderCostsNoMemory) {
  TemporaryFolder folder;
  const auto path = folder.path() / "bomb";
  rusage before{}, after{};
  write_bytes(path, gzip(header(8, {1000}) + Bytes(20'000'000)));
  const size_t compressed = bytes_of(path).size();
  ASSERT_LT(compressed, 100'000U);
  getrusage(RUSAGE_SELF, &before);
  EXPECT_NE(message_of([&] { read_idx(path); }).find("need 1000 bytes, found more"),
            std::string::npos);
  const uint32_t most = static_cast<uint32_t>(compressed * 1000);
  write_bytes(path, gzip(header(8, {most}) + Bytes(20'000)));
  EXPECT_NE(message_of([&] { read_idx(path); }).find("the file can hold at most"),
            std::string::npos);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 4096);  // KiB
}

class IdxPair : public testing::Test {
 protected:
  void SetUp() override {
    images = folder.path() / "images";
    labels = folder.path() / "labels";
    info.name = "pair";
    info.classes = 3;
    write_idx(images, {4, 2, 3}, noise(24));
    write_idx(labels, {4}, Bytes{0, 1, 2, 1});
  }
  std::string message() {
    return message_of([&] { open_idx(images, labels, info); });
  }

  TemporaryFolder folder;
  std::filesystem::path images, labels;
  DatasetInfo info;
};

TEST_F(IdxPair, OpensAsADataset) {
  const auto dataset = open_idx(images, labels, info);
  EXPECT_EQ(dataset->shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(content_of(*dataset), (Content{noise(24), {0, 1, 2, 1}}));
  uint8_t image[6];
  int64_t label = -1;
  dataset->read_bytes(std::vector<int64_t>{2}, image, &label);
  EXPECT_EQ(label, 2);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(image[i], noise(24)[12 + i]);
}

TEST_F(IdxPair, ColourImagesKeepTheirChannels) {
  write_idx(images, {4, 1, 2, 3}, noise(24));
  EXPECT_EQ(open_idx(images, labels, info)->shape(), (Shape{1, 2, 3}));
}

TEST_F(IdxPair, ClassesCanBeCounted) {
  info.classes = 0;
  EXPECT_EQ(open_idx(images, labels, info)->classes(), 3);
}

TEST_F(IdxPair, FilesThatDoNotBelongTogetherAreNamed) {
  write_idx(labels, {5}, Bytes{0, 1, 2, 1, 0});
  EXPECT_EQ(message(), images.string() + " has 4 images, but " + labels.string() + " has 5 labels");
}

TEST_F(IdxPair, LabelsOutOfRangeAreNamed) {
  write_idx(labels, {4}, Bytes{0, 1, 7, 9});
  EXPECT_EQ(message(), labels.string() + ": expected labels in [0, 3), sample 2 has 7");
}

TEST_F(IdxPair, SwappedFilesAreNamed) {
  std::swap(images, labels);
  EXPECT_EQ(message(), labels.string() +
                           ": expected labels (one axis), found elements of shape "
                           "[4, 2, 3], which look like images");
  labels = images;
  EXPECT_EQ(message(), images.string() +
                           ": expected images (three or four axes), found elements "
                           "of shape [4], which look like labels");
}

TEST_F(IdxPair, IndicesAreChecked) {
  const auto dataset = open_idx(images, labels, info);
  EXPECT_EQ(message_of([&] { content_of(*dataset, {1, 4}); }), "pair: sample 4 is outside [0, 4)");
  EXPECT_EQ(message_of([&] { content_of(*dataset, {-1}); }), "pair: sample -1 is outside [0, 4)");
}

}  // namespace
}  // namespace d2l::data::test
