#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

#include "framework/weights/safetensors.h"
#include "tests/weights/zip_builder.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;

const std::string kExpected =
    "expected a file of weights (safetensors, PyTorch, Keras, .npy or .npz), found ";

class OpenWeights : public testing::Test {
 protected:
  // The name of the file says nothing about its content.
  std::unique_ptr<WeightFile> open(const FileBytes& content) const {
    write_content(path_, content);
    return open_weights(path_);
  }
  std::string refusal(const FileBytes& content) const {
    const std::string message = message_of([&] { open(content); });
    const std::string start = concat(path_.string(), ": ", kExpected);
    EXPECT_TRUE(message.starts_with(start)) << message;
    return message.substr(std::min(start.size(), message.size()));
  }
  // The beginning of the message says which reader refuses the content.
  std::string damage(const FileBytes& content) const {
    return message_of([&] { open(content); }).substr(path_.string().size() + 2);
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "weights.bin";
};

FileBytes npy_of_one() {
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  FileBytes content(std::string("\x93NUMPY\1\0", 8));
  return content.u16(dictionary.size()).add(dictionary).number(3.0f);
}

TEST_F(OpenWeights, ChoosesTheFormatByTheContent) {
  write_safetensors(path_, {{"a", {1}, [] { return std::vector<float>{3.0f}; }}}, {});
  EXPECT_EQ(open_weights(path_)->format(), "safetensors");
  EXPECT_THAT(open_weights(path_)->read(0), ElementsAre(3.0f));
  EXPECT_EQ(list_of(*open(npy_of_one())), "weights [1] f32");
  const auto archive =
      open(zip_bytes({stored_item("layer/", {}), deflated_item("layer/a.npy", npy_of_one())}));
  EXPECT_EQ(list_of(*archive), "layer/a [1] f32");
  EXPECT_THAT(archive->read(0), ElementsAre(3.0f));
}

// The first byte of such a header's length is the one that begins a pickle.
TEST_F(OpenWeights, DoesNotTakeASafetensorsFileForAPickle) {
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.resize(0x80, ' ');
  EXPECT_EQ(open(FileBytes().u64(0x80).add(header).number(uint8_t{7}))->format(), "safetensors");
}

TEST_F(OpenWeights, OpensRealFilesOfSafetensorsAndPytorch) {
  const auto data = data_dir() / "pretrained/resnet20-cifar10";
  if (data_dir().empty() || !std::filesystem::exists(data))
    GTEST_SKIP() << kNoData << ": pretrained/resnet20-cifar10";
  const auto file = open_weights(data / "resnet20-12fca82f.safetensors");
  const auto pickled = open_weights(data / "resnet20-12fca82f.th");
  EXPECT_EQ(pickled->format(), "PyTorch");
  std::map<std::string, size_t> positions;
  for (size_t i = 0; i < pickled->weights().size(); ++i) positions[pickled->weights()[i].name] = i;
  for (size_t i = 0; i < file->weights().size(); ++i) {
    const WeightInfo& info = file->weights()[i];
    const auto found = std::find_if(positions.begin(), positions.end(), [&](const auto& other) {
      return other.first == info.name || other.first.ends_with("." + info.name);
    });
    ASSERT_NE(found, positions.end()) << info.name;
    EXPECT_EQ(pickled->weights()[found->second].shape, info.shape) << info.name;
    EXPECT_EQ(pickled->read(found->second), file->read(i)) << info.name;
  }
}

TEST_F(OpenWeights, SaysWhatAFileIsThatHasNoWeights) {
  EXPECT_EQ(refusal({}), "an empty file");
  EXPECT_EQ(refusal(std::string("version https://git-lfs.github.com/spec/v1\noid sha256:12\n")),
            "a pointer of Git LFS, which stands for the file: fetch the file with `git lfs pull`");
  const std::string html =
      "an HTML or XML page: the download has got an answer of the server, "
      "not the file";
  EXPECT_EQ(refusal(std::string("\n<!DOCTYPE html>\n<html>")), html);
  EXPECT_EQ(refusal(std::string("\xef\xbb\xbf<HTML lang=en>")), html);
  EXPECT_EQ(refusal(std::string("<?xml version='1.0'?><Error>")), html);
  EXPECT_EQ(refusal(std::string("Entry not found")), "a text that begins with 'Entry not found'");
  EXPECT_EQ(refusal(std::string("{\"error\": 1}\n")),
            "a text that begins with '{\"error\": 1}\\n'");
  EXPECT_EQ(refusal(std::string(200, 'x')), "a text that begins with 'xxxxxxxxxxxxxxxxxxxxxxxx'");
  EXPECT_EQ(refusal(std::string("\x1f\x8b\x08")), "a file compressed by gzip: unpack it first");
  EXPECT_EQ(refusal(std::string("\xfd"
                                "7zXZ\0",
                                6)),
            "a file compressed by xz: unpack it first");
  EXPECT_EQ(refusal(std::string("(\xb5/\xfd\0", 5)), "a file compressed by zstd: unpack it first");
  EXPECT_EQ(refusal(std::string(257, '\0') + "ustar" + std::string(250, '\0')),
            "a tar archive: unpack it first");
  EXPECT_EQ(refusal(std::string("GGUF\3\0", 6)), "a GGUF file");
  EXPECT_EQ(refusal(std::string("\0\1\xab", 3)), "a file that begins with the bytes 00 01 ab");
  EXPECT_EQ(refusal(std::string(600, '\0')),
            "a file that begins with the bytes 00 00 00 00 00 00 00 00");
}

TEST_F(OpenWeights, SaysWhatAnArchiveHasThatIsNoneOfWeights) {
  EXPECT_EQ(refusal(zip_bytes({stored_item("a.npy", npy_of_one()), stored_item("b.txt", {})})),
            "a ZIP archive with 'b.txt'");
  EXPECT_EQ(refusal(zip_bytes({stored_item("a/", {})})), "a ZIP archive without files");
  EXPECT_EQ(refusal(zip_bytes({})), "a ZIP archive without files");
}

TEST_F(OpenWeights, LeavesDamagedFilesToTheirFormat) {
  EXPECT_EQ(damage(FileBytes().u64(100).add(std::string("{"))),
            "the header has 100 bytes, found a file of 9 bytes: it is cut off");
  EXPECT_EQ(damage(npy_of_one().cut(9)),
            "the NumPy header is cut off: expected 2 more bytes, found 1");
  EXPECT_EQ(damage(std::string("PK\3\4")),
            "expected the directory of a ZIP archive at the end of the file, found none: the file "
            "of 4 bytes is cut off or damaged");
}

TEST_F(OpenWeights, RefusesWhatIsNoFile) {
  EXPECT_EQ(message_of([&] { open_weights(folder_.path()); }),
            "cannot read " + folder_.path().string() + ": it is a folder");
  EXPECT_EQ(message_of([&] { open_weights(path_); }),
            "cannot read " + path_.string() + ": No such file or directory");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { open_weights(path_); }),
            "cannot read " + path_.string() + ": it is not a regular file");
}

}  // namespace
}  // namespace d2l::weights::test
