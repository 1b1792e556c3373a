#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <functional>

#include "framework/base/checksum.h"
#include "framework/base/rng.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/checkpoint/sample.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Damage : public testing::Test {
 protected:
  Damage() : path_(folder_.path() / "step-00000042.h5") {
    write_checkpoint(path_, sample_snapshot());
    whole_ = bytes_of(path_);
  }
  // The error message for a file with these bytes.
  std::string complaint(const std::string& bytes) {
    put_bytes(path_, bytes);
    return message_of([&] { read_checkpoint(path_); });
  }
  std::string flipped(size_t byte, int bit) {
    std::string bytes = whole_;
    bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << bit));
    return complaint(bytes);
  }
  uint64_t draw(uint64_t bound) { return random_below({1, 2}, draws_++, bound); }
  std::string start() const { return "damaged checkpoint " + path_.string() + ": "; }
  // The offset of the bytes of `array` in the file, found by searching, without its index.
  size_t place_of(const std::string& array) {
    const std::vector<uint8_t>& bytes = sample_snapshot_.arrays.at(array).bytes;
    return whole_.find(std::string(bytes.begin(), bytes.end()));
  }

  Snapshot sample_snapshot_ = sample_snapshot();
  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::string whole_;
  uint64_t draws_ = 0;
};

TEST_F(Damage, RandomBitsAreFoundAndNamed) {
  for (int i = 0; i < 2000; ++i) {
    size_t byte = draw(whole_.size());
    std::string message = flipped(byte, static_cast<int>(draw(8)));
    bool named = message.starts_with(start()) || message.starts_with("not a d2l checkpoint");
    ASSERT_TRUE(named) << "byte " << byte << ": " << message;
    ASSERT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST_F(Damage, EveryBitOfTheIndexIsFound) {
  size_t index_bytes = whole_.find("\x89HDF");
  ASSERT_EQ(index_bytes, 1024u);
  for (size_t byte = 0; byte < index_bytes; ++byte) {
    std::string message = flipped(byte, static_cast<int>(byte % 8));
    ASSERT_THAT(message, StartsWith(start())) << "byte " << byte;
  }
}

TEST_F(Damage, EveryByteOutsideTheArraysIsFound) {
  size_t index_bytes = whole_.find("\x89HDF");
  size_t in_structure = 0;
  for (size_t byte = index_bytes; byte < whole_.size(); byte += 3) {
    std::string message = flipped(byte, static_cast<int>(draw(8)));
    ASSERT_THAT(message, StartsWith(start())) << "byte " << byte;
    in_structure += message.find("HDF5 structure around the data: checksum") != std::string::npos;
  }
  EXPECT_GT(in_structure, 300u);
}

TEST_F(Damage, TheDamagedArrayIsNamed) {
  for (const auto& [name, array] : sample_snapshot_.arrays) {
    size_t begin = place_of(name);
    ASSERT_NE(begin, std::string::npos);
    for (size_t byte : {begin, begin + array.bytes.size() / 2, begin + array.bytes.size() - 1}) {
      std::string message = flipped(byte, 6);
      std::string changed = whole_.substr(begin, array.bytes.size());
      changed[byte - begin] = static_cast<char>(changed[byte - begin] ^ 64);
      EXPECT_EQ(message, start() + name + ": checksum: expected " +
                             checksum_text(checksum(array.bytes.data(), array.bytes.size())) +
                             ", found " + checksum_text(checksum(changed.data(), changed.size())));
    }
  }
}

TEST_F(Damage, TheDamagedTextIsNamed) {
  size_t at = whole_.find("model = lenet");
  ASSERT_NE(at, std::string::npos);
  EXPECT_THAT(flipped(at, 0), StartsWith(start() + "config: checksum: expected "));
}

TEST_F(Damage, SeveralDamagedPiecesAreNamed) {
  std::string bytes = whole_;
  bytes[place_of("parameters/conv1.bias")] ^= 1;
  bytes[place_of("parameters/fc.weight")] ^= 1;
  std::string message = complaint(bytes);
  EXPECT_THAT(message, HasSubstr("parameters/conv1.bias: checksum"));
  EXPECT_THAT(message, HasSubstr("parameters/fc.weight: checksum"));
}

TEST_F(Damage, TruncatedAnywhere) {
  for (int i = 0; i < 200; ++i) {
    size_t length = i < 40 ? static_cast<size_t>(i) : draw(whole_.size());
    EXPECT_THAT(complaint(whole_.substr(0, length)), StartsWith(start())) << length;
  }
  EXPECT_EQ(complaint(""), start() + "it is empty");
  EXPECT_EQ(
      complaint(whole_.substr(0, whole_.size() - 1)),
      start() + concat("cut off: expected ", whole_.size(), " bytes, found ", whole_.size() - 1));
}

TEST_F(Damage, Appended) {
  EXPECT_THAT(complaint(whole_ + '\0'), StartsWith(start() + "something was appended"));
  EXPECT_THAT(complaint(whole_ + whole_), StartsWith(start() + "something was appended"));
}

TEST_F(Damage, ZeroedAndSwappedBlocks) {
  for (size_t at = 0; at + 512 <= whole_.size(); at += 512) {
    std::string bytes = whole_;
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at), 512, '\0');
    if (bytes == whole_) continue;
    std::string message = complaint(bytes);
    bool named = message.starts_with(start()) || (at == 0 && message.starts_with("not a d2l"));
    EXPECT_TRUE(named) << at << ": " << message;
  }
  // Swaps two arrays of the same shape: no byte is missing.
  std::string bytes = whole_;
  std::string a = bytes.substr(place_of("parameters/fc.weight"), 3360);
  std::string b = bytes.substr(place_of("optimizer/velocity/fc.weight"), 3360);
  bytes.replace(place_of("parameters/fc.weight"), 3360, b);
  bytes.replace(place_of("optimizer/velocity/fc.weight"), 3360, a);
  EXPECT_THAT(complaint(bytes), HasSubstr("parameters/fc.weight: checksum"));
}

TEST_F(Damage, Strangers) {
  EXPECT_THAT(complaint("hello, this is a text that has nothing to do with it"),
              StartsWith("not a d2l checkpoint: " + path_.string()));
  EXPECT_THAT(complaint(whole_.substr(1024)), StartsWith("not a d2l checkpoint: "));
  EXPECT_THAT(complaint(std::string(100000, '\0')), StartsWith("not a d2l checkpoint: "));
  std::string later = whole_;
  later[15] = '2';
  EXPECT_THAT(complaint(later), HasSubstr("'d2l checkpoint 1'"));
  auto message = [](const std::filesystem::path& path) {
    return message_of([&] { read_checkpoint(path); });
  };
  EXPECT_EQ(message(folder_.path()), "cannot read " + folder_.path().string() + ": it is a folder");
  EXPECT_EQ(message("/dev/zero"), "cannot read /dev/zero: it is not a regular file");
  EXPECT_EQ(
      message(folder_.path() / "absent.h5"),
      "cannot read " + (folder_.path() / "absent.h5").string() + ": No such file or directory");
  ASSERT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(message(folder_.path() / "pipe"), HasSubstr("not a regular file"));
}

// An index with a correct checksum may still have any content: `edit` changes its text.
std::string forged(std::string whole, const std::function<void(std::string&)>& edit) {
  size_t room = whole.find("\x89HDF");
  std::string text = whole.substr(0, whole.find("\nend ") + 1);
  edit(text);
  text += "end " + checksum_text(checksum(text.data(), text.size())) + "\n";
  text.resize(room, '\0');
  return text + whole.substr(room);
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

TEST_F(Damage, LyingIndexesAreRefused) {
  struct Lie {
    std::string from, to, complaint;
  };
  const std::vector<Lie> lies = {
      {"[10,84]", "[10,85]", "which does not fit its shape"},
      {"[10,84]", "[4611686018427387904,4611686018427387904]", "which does not fit its shape"},
      {"[10,84]", "[9223372036854775808,1]", "axis of"},
      {"[10,84]", "[1,1,1,1,1,1,1,1,840]", "more than 8 axes"},
      {"[10,84]", "[-10,-84]", "no number"},
      {"[10,84]", "10,84", "no shape"},
      {"array f32", "array f17", "unknown dtype"},
      {"array f32", "table f32", "unknown kind"},
      {"array f32", "text f32", "cannot be"},
      {"pieces 8", "pieces 9", "expected 9 entries, found 8"},
      {"pieces 8", "pieces 08", "its format differs from what d2l writes"},
      {"pieces 8", "pieces 99999999999999999999", "no number"},
      {"conv1.weight", "conv1.bias", "order of names"},
      {"parameters/fc.weight", "parameters//fc", "not a path"},
      {"structure ", "texture ", "does not begin"},
  };
  for (const Lie& lie : lies) {
    std::string message =
        complaint(forged(whole_, [&](std::string& text) { replace(text, lie.from, lie.to); }));
    EXPECT_THAT(message, StartsWith(start())) << lie.to;
    EXPECT_THAT(message, HasSubstr(lie.complaint)) << lie.to;
  }
  std::string offset = std::to_string(place_of("parameters/fc.weight"));
  for (std::string other : {"0", "1", "1023", "18446744073709551615", "18446744073709548300"})
    EXPECT_THAT(complaint(forged(
                    whole_, [&](std::string& text) { replace(text, " " + offset, " " + other); })),
                HasSubstr("outside the file or overlaps"));
}

TEST_F(Damage, RandomMutationsNeverPassOrCrash) {
  Snapshot small;
  small.arrays["w"] = ramp({3});
  small.integers["n"] = 1;
  write_checkpoint(path_, small);
  std::string whole = bytes_of(path_);
  for (int i = 0; i < 10000; ++i) {
    std::string bytes = whole;
    for (uint64_t edits = 1 + draw(4); edits > 0; --edits) {
      size_t at = draw(bytes.size()), length = 1 + draw(40);
      switch (draw(4)) {
        case 0:
          bytes[at] = static_cast<char>(draw(256));
          break;
        case 1:
          bytes.erase(at, length);
          break;
        case 2:
          bytes.insert(at, bytes.substr(draw(bytes.size()), length));
          break;
        default:
          bytes.replace(at, length, std::to_string(draw(uint64_t{1} << 63)));
          break;
      }
      if (bytes.empty()) bytes = "x";
    }
    // Half of them get a correct checksum of the index, so that the checks after it are reached.
    size_t room = bytes.find("\x89HDF");
    if (i % 2 == 0 && room != std::string::npos && bytes.find("\nend ") < room)
      bytes = forged(bytes, [](std::string&) {});
    if (bytes == whole) continue;
    put_bytes(path_, bytes);
    try {
      Snapshot found = read_checkpoint(path_);
      FAIL() << "mutation " << i << " was accepted";
    } catch (const Error&) {
    }
  }
}

// Changes one bit of a file while it exists.
class FlippedBit {
 public:
  FlippedBit(const std::filesystem::path& path, size_t byte, int bit)
      : file_(path, std::ios::in | std::ios::out | std::ios::binary), byte_(byte), bit_(bit) {
    flip();
  }
  ~FlippedBit() { flip(); }
  FlippedBit(const FlippedBit&) = delete;
  FlippedBit& operator=(const FlippedBit&) = delete;

 private:
  void flip() {
    const auto at = static_cast<std::streamoff>(byte_);
    file_.seekg(at);
    const auto changed = static_cast<char>(file_.get() ^ (1 << bit_));
    file_.seekp(at);
    file_.put(changed).flush();
  }

  std::fstream file_;
  size_t byte_;
  int bit_;
};

// Copies the checkpoints of D2L_TEST_CHECKPOINTS, a run's folder checkpoints/, or writes samples.
void make_checkpoints(const std::filesystem::path& folder) {
  const char* given = std::getenv("D2L_TEST_CHECKPOINTS");
  if (given != nullptr)
    std::filesystem::copy(given, folder);
  else
    for (int64_t step : {1, 2})
      write_checkpoint(CheckpointStore::path_of(folder, step), sample_snapshot(step));
}

// Each by itself.
TEST(Flips, AFlippedBitOfTheNewestIsFoundAndTheOneBeforeIsUsed) {
  const int flips = setting("D2L_TEST_FLIPS", 500);
  TemporaryFolder folder;
  make_checkpoints(folder.path());
  const std::vector<int64_t> steps = CheckpointStore::steps(folder.path());
  ASSERT_GE(steps.size(), 2u);
  const auto newest = CheckpointStore::path_of(folder.path(), steps.back()),
             before = CheckpointStore::path_of(folder.path(), steps[steps.size() - 2]);
  const Snapshot expected = read_checkpoint(before);
  const size_t bytes = std::filesystem::file_size(newest);
  int found_damage = 0, used_before = 0;
  for (uint64_t i = 0; i < static_cast<uint64_t>(flips); ++i) {
    const FlippedBit flipped(newest, random_below({3, 1}, i, bytes),
                             static_cast<int>(random_below({3, 2}, i, 8)));
    std::vector<std::string> warnings;
    const auto found = CheckpointStore::newest_valid(
        folder.path(), [&](const std::string& text) { warnings.push_back(text); });
    found_damage += warnings.size() == 1 && warnings[0].find(newest.string()) != std::string::npos;
    used_before += found && found->path == before && same(found->snapshot, expected);
  }
  std::cout << flips << " flipped bits in " << bytes << " bytes: " << found_damage << " found, "
            << used_before << " times the checkpoint before was used\n";
  EXPECT_EQ(found_damage, flips);
  EXPECT_EQ(used_before, flips);
  EXPECT_EQ(CheckpointStore::newest_valid(folder.path(), [](const std::string&) {})->path, newest);
}

}  // namespace
}  // namespace d2l::test
