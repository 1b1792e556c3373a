#include "framework/weights/safetensors.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "framework/base/files.h"
#include "framework/weights/safetensors_header.h"
#include "tests/support/small_disk.h"
#include "tests/weights/weights_support.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FileBytes safetensors(const std::string& header, const FileBytes& data) {
  return FileBytes().u64(header.size()).add(header).add(data);
}

class Safetensors : public testing::Test {
 protected:
  std::unique_ptr<WeightFile> open(const FileBytes& content) const {
    write_content(path_, content);
    return open_safetensors(path_);
  }
  // The message without the path, with which it must begin.
  std::string refusal(const FileBytes& content) const {
    const std::string message = message_of([&] { open(content); });
    EXPECT_TRUE(message.starts_with(path_.string() + ": ")) << message;
    return message.substr(std::min(message.size(), path_.string().size() + 2));
  }
  std::string refusal(const std::string& header, size_t data_bytes) const {
    return refusal(safetensors(header, std::string(data_bytes, '\0')));
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "a.safetensors";
};

TEST_F(Safetensors, HasTheArraysAndTextsOfItsHeader) {
  const auto file = open(safetensors(
      R"({"__metadata__":{"format":"pt","é":""},"a.b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
      R"( "n":{"shape":[],"data_offsets":[0,4],"dtype":"I32"}}    )",
      FileBytes().u32(7).number(1.5f).number(-2.0f)));
  EXPECT_EQ(file->format(), "safetensors");
  EXPECT_EQ(file->path(), path_);
  EXPECT_EQ(file->layout(), Layout::channels_first);
  EXPECT_EQ(list_of(*file), "a.b [2, 1] f32; n [] i32");
  EXPECT_THAT(file->read(0), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(file->read(1), ElementsAre(7.0f));
  EXPECT_EQ(file->texts(), (std::map<std::string, std::string>{{"format", "pt"}, {"é", ""}}));
}

TEST_F(Safetensors, ConvertsAllTypesToF32) {
  const auto read = [&](const std::string& type, const FileBytes& data, size_t count) {
    const std::string header = concat(R"({"x":{"dtype":")", type, R"(","shape":[)", count,
                                      R"(],"data_offsets":[0,)", data.size(), "]}}");
    return open(safetensors(header, data))->read(0);
  };
  // 1 + 2^-24 lies between two floats: the nearest even one is 1.
  EXPECT_THAT(read("F64", numbers<double>({0.1, 1 + std::ldexp(1, -24), -INFINITY}), 3),
              ElementsAre(0.1f, 1.0f, -INFINITY));
  EXPECT_THAT(read("F32", numbers<float>({0.1f, -3e38f}), 2), ElementsAre(0.1f, -3e38f));
  EXPECT_THAT(read("F16", numbers<uint16_t>({0x3c00, 0xc000, 0x0001}), 3),
              ElementsAre(1.0f, -2.0f, std::ldexp(1.0f, -24)));
  EXPECT_THAT(read("BF16", numbers<uint16_t>({0x3f80, 0xc040}), 2), ElementsAre(1.0f, -3.0f));
  EXPECT_THAT(read("I64", numbers<int64_t>({-1, (1 << 24) + 3}), 2),
              ElementsAre(-1.0f, 16777220.0f));
  EXPECT_THAT(read("I32", numbers<int32_t>({-70000}), 1), ElementsAre(-70000.0f));
  EXPECT_THAT(read("I16", numbers<int16_t>({-300}), 1), ElementsAre(-300.0f));
  EXPECT_THAT(read("I8", numbers<int8_t>({-128, 127}), 2), ElementsAre(-128.0f, 127.0f));
  EXPECT_THAT(read("U8", numbers<uint8_t>({255}), 1), ElementsAre(255.0f));
  EXPECT_THAT(read("BOOL", numbers<uint8_t>({0, 1}), 2), ElementsAre(0.0f, 1.0f));
}

TEST_F(Safetensors, RefusesFiniteNumbersThatF32CannotHold) {
  const auto file = open(safetensors(R"({"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})",
                                     numbers<double>({1.0, 1e300})));
  EXPECT_EQ(
      message_of([&] { file->read(0); }),
      path_.string() + ": cannot read array 'x': element 1 is 1e+300, which is too large for f32");
  EXPECT_THAT(message_of([&] { file->read(1); }), HasSubstr("has 1 arrays, none with the index 1"));
}

TEST_F(Safetensors, HasArraysWithoutElements) {
  EXPECT_THAT(open(safetensors("{}", {}))->weights(), IsEmpty());
  const auto file = open(safetensors(
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F64","shape":[0,3],"data_offsets":[4,4]}})",
      FileBytes().number(2.0f)));
  EXPECT_EQ(list_of(*file), "b [1] f32; a [0, 3] f64");
  EXPECT_THAT(file->read(1), IsEmpty());
}

TEST_F(Safetensors, RefusesFilesThatAreCutOff) {
  const FileBytes whole = safetensors(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                      FileBytes().number(1.0f).number(2.0f));
  EXPECT_EQ(refusal(FileBytes()), "expected a safetensors file, found a file of 0 bytes");
  EXPECT_EQ(refusal(whole.cut(7)), "expected a safetensors file, found a file of 7 bytes");
  EXPECT_EQ(refusal(whole.cut(30)),
            "the header has 54 bytes, found a file of 30 bytes: it is cut off");
  EXPECT_EQ(refusal(whole.cut(whole.size() - 1)),
            "array 'x' ends at byte 8 of the elements, found only 7 bytes: the file is cut off");
  for (size_t size = 0; size < whole.size(); ++size) refusal(whole.cut(size));
}

TEST_F(Safetensors, RefusesAHeaderThatIsTooLong) {
  EXPECT_EQ(refusal(FileBytes().u64(kMostSafetensorsHeader + 1).add(std::string("{}"))),
            "expected a safetensors file with a header of at most 100000000 bytes, found "
            "100000001");
  EXPECT_EQ(refusal(FileBytes().u64(~uint64_t{0}).add(std::string("{}"))),
            "expected a safetensors file with a header of at most 100000000 bytes, found "
            "18446744073709551615");
}

TEST_F(Safetensors, RefusesArraysThatDoNotFillTheFile) {
  const auto two = [](const std::string& a, const std::string& b) {
    return concat(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)", a,
                  R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)", b, "}}");
  };
  EXPECT_EQ(list_of(*open(safetensors(two("[4,8]", "[0,4]"), std::string("12345678")))),
            "a [4] u8; b [4] u8");
  EXPECT_EQ(refusal(two("[0,4]", "[4,8]"), 9), "found 1 bytes after the last array, expected none");
  EXPECT_EQ(refusal(two("[0,4]", "[5,9]"), 9),
            "array 'b' begins at byte 5 of the elements, expected byte 4: no array may use the "
            "bytes between");
  EXPECT_EQ(refusal(two("[0,4]", "[3,7]"), 7),
            "array 'b' begins at byte 3 of the elements, where another array is, which ends at "
            "byte 4");
  EXPECT_EQ(refusal(two("[0,4]", "[0,4]"), 4),
            "array 'b' begins at byte 0 of the elements, where another array is, which ends at "
            "byte 4");
  EXPECT_EQ(refusal(two("[0,4]", "[8,4]"), 8),
            "array 'b' has the data_offsets 8 and 4, in wrong order");
  EXPECT_EQ(refusal(two("[0,4]", "[4,9]"), 9), "array 'b' has 5 bytes, expected 4 for u8 [4]");
  EXPECT_EQ(refusal(two("[0,4]", "[18446744073709551612,18446744073709551615]"), 8),
            "array 'b' has 3 bytes, expected 4 for u8 [4]");
}

// The header {"x": {...}} with this description, and 4 bytes of elements.
std::string described(const std::string& description) {
  return concat("{\"x\":{", description, "}}");
}

TEST_F(Safetensors, RefusesShapesThatAreTooLarge) {
  const auto shape = [](const std::string& sizes) {
    return described(concat(R"("dtype":"F32","shape":)", sizes, R"(,"data_offsets":[0,4])"));
  };
  EXPECT_EQ(refusal(shape("[1099511627777]"), 4),
            "found an axis of size 1099511627777 in the description of array 'x', expected at most "
            "2^40");
  EXPECT_EQ(refusal(shape("[1099511627776,1099511627776]"), 4),
            "array 'x' has the shape [1099511627776, 1099511627776], expected at most 2^40 "
            "elements");
  EXPECT_EQ(refusal(shape("[0,1099511627776,1099511627776]"), 4),
            "array 'x' has the shape [0, 1099511627776, 1099511627776], expected at most 2^40 "
            "elements");
  EXPECT_EQ(refusal(shape("[1,1,1,1,1,1,1,1,1]"), 4),
            "found more than 8 axes in the description of array 'x'");
  EXPECT_EQ(refusal(shape("[-1]"), 4),
            "found the number -1 as the shape of array 'x', expected whole numbers that are not "
            "negative");
  EXPECT_EQ(refusal(shape("[1.0]"), 4),
            "found the number 1.0 as the shape of array 'x', expected whole numbers that are not "
            "negative");
  EXPECT_EQ(refusal(shape("[18446744073709551616]"), 4),
            "found the number 18446744073709551616 as the shape of array 'x', expected whole "
            "numbers that are not negative");
  EXPECT_EQ(refusal(shape("[[1]]"), 4),
            "found a list as the shape of array 'x', expected whole numbers that are not negative");
  EXPECT_EQ(refusal(shape("1"), 4), "found a number as the shape of array 'x', expected a list");
}

TEST_F(Safetensors, NamesTypesThatItDoesNotRead) {
  const std::string expected = ", expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL";
  for (const std::string type : {"F8_E4M3", "F8_E5M2", "U16", "C64", "f32", ""})
    EXPECT_EQ(
        refusal(described(concat(R"("dtype":")", type, R"(","shape":[4],"data_offsets":[0,4])")),
                4),
        concat("array 'x' has elements of type ", type, expected));
  EXPECT_EQ(refusal(described(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), 4),
            "found a number as the dtype of array 'x', expected a text");
}

TEST_F(Safetensors, RefusesHeadersOfAnotherForm) {
  EXPECT_EQ(refusal("", 0), "the header of a safetensors file begins with '{', found none");
  EXPECT_EQ(refusal(" {}", 0), "the header of a safetensors file begins with '{', found ' '");
  EXPECT_EQ(refusal("[]", 0), "the header of a safetensors file begins with '{', found '['");
  EXPECT_EQ(refusal("{} {}", 0), "the header is not valid JSON: error at its byte 4");
  EXPECT_EQ(refusal("{\"a\":", 0), "the header is not valid JSON: error at its byte 6");
  EXPECT_EQ(refusal("{\"\xff\":{}}", 0), "the header is not valid JSON: error at its byte 3");
  EXPECT_EQ(refusal(R"({"a":[]})", 0),
            "found a list as the description of array 'a', expected an object");
  EXPECT_EQ(refusal(R"({"a":null})", 0),
            "found null as the description of array 'a', expected an object");
  EXPECT_EQ(refusal(R"({"a":true})", 0),
            "found true as the description of array 'a', expected an object");
  EXPECT_EQ(refusal(R"({"a":"b"})", 0),
            "found the text 'b' as the description of array 'a', expected an object");
  EXPECT_EQ(refusal(R"({"a":{}})", 0), "the description of array 'a' has no dtype");
  EXPECT_EQ(refusal(described(R"("dtype":"U8","shape":[0])"), 0),
            "the description of array 'x' has no data_offsets");
  EXPECT_EQ(refusal(described(R"("dtype":"U8","shape":[0],"data_offsets":[0])"), 0),
            "found 1 data_offsets in the description of array 'x', expected 2");
  EXPECT_EQ(refusal(described(R"("dtype":"U8","shape":[0],"data_offsets":[0,0,0])"), 0),
            "found more than 2 data_offsets in the description of array 'x'");
  EXPECT_EQ(refusal(described(R"("size":1)"), 0),
            "found the key 'size' in the description of array 'x', expected dtype, shape and "
            "data_offsets");
  EXPECT_EQ(refusal(described(R"("dtype":{})"), 0),
            "found an object as the dtype of array 'x', expected a text");
  EXPECT_EQ(refusal(R"({"__metadata__":1})", 0),
            "found a number as __metadata__, expected an object");
  EXPECT_EQ(refusal(R"({"__metadata__":{"a":1}})", 0),
            "found a number in __metadata__, expected texts only");
  EXPECT_EQ(refusal(R"({"__metadata__":{"a":{"b":{}}}})", 0),
            "found an object in __metadata__, expected texts only");
}

TEST_F(Safetensors, RefusesNamesThatAreThereTwiceOrVeryLong) {
  const std::string empty = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_EQ(refusal(concat(R"({"a":)", empty, R"(,"\u0061":)", empty, "}"), 0),
            "the name 'a' is twice in the header");
  EXPECT_EQ(refusal(R"({"__metadata__":{},"__metadata__":{}})", 0),
            "the name '__metadata__' is twice in the header");
  EXPECT_EQ(refusal(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
            "the key 'k' is twice in __metadata__");
  EXPECT_EQ(refusal(described(R"("dtype":"U8","dtype":"U8")"), 0),
            "the key 'dtype' is twice in the description of array 'x'");
  EXPECT_EQ(refusal(concat("{\"", std::string(5000, 'a'), "\":", empty, "}"), 0),
            "found a name of 5000 bytes in the header, expected at most 4096");
}

TEST_F(Safetensors, RefusesDeeplyNestedHeadersAtOnce) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(refusal(concat("{\"a\":", deep), 0),
            "found a list as the description of array 'a', expected an object");
}

TEST_F(Safetensors, RefusesWhatIsNoFile) {
  EXPECT_EQ(message_of([&] { open_safetensors(folder_.path()); }),
            "cannot read " + folder_.path().string() + ": it is a folder");
  EXPECT_EQ(message_of([&] { open_safetensors(path_); }),
            "cannot read " + path_.string() + ": No such file or directory");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { open_safetensors(path_); }),
            "cannot read " + path_.string() + ": it is not a regular file");
}

TEST_F(Safetensors, NoticesThatTheFileBecomesShorter) {
  const auto file = open(safetensors(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                     FileBytes().number(1.0f).number(2.0f)));
  std::filesystem::resize_file(path_, 65);
  EXPECT_THAT(message_of([&] { file->read(0); }),
              HasSubstr("a.safetensors: cannot read array 'x': "));
}

TEST_F(Safetensors, RealFileHasTheArraysOfResnet20) {
  const auto data = data_dir() / "pretrained/resnet20-cifar10";
  if (data_dir().empty() || !std::filesystem::exists(data))
    GTEST_SKIP() << kNoData << ": pretrained/resnet20-cifar10";
  const auto file = open_safetensors(data / "resnet20-12fca82f.safetensors");
  size_t parameters = 0;
  for (size_t i = 0; i < file->weights().size(); ++i) {
    const std::string& name = file->weights()[i].name;
    const std::vector<float> values = file->read(i);
    const bool is_statistic = name.find("running_") != name.npos || name.ends_with("_tracked");
    if (!is_statistic) parameters += values.size();
    for (const float value : values) ASSERT_LT(std::abs(value), 100.0f) << name;
  }
  EXPECT_EQ(parameters, 269722u);  // Idelbayev's table; He et al. (2016): 0.27 million
}

class WriteSafetensors : public Safetensors {};

WeightToWrite array(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  return {name, shape, [values] { return values; }};
}

TEST_F(WriteSafetensors, WritesTheBytesOfTheFormat) {
  write_safetensors(path_, {array("w", {1, 2}, {1.0f, -2.0f}), array("b", {}, {3.0f})},
                    {{"made \"by\"", "d2l"}});
  const std::string header =
      R"({"__metadata__":{"made \"by\"":"d2l"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(content_of(path_).bytes(),
            safetensors(padded, numbers<float>({1.0f, -2.0f, 3.0f})).bytes());
}

TEST_F(WriteSafetensors, ReadsWhatItHasWritten) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  write_safetensors(path_,
                    {array("layer.0/ü", {2, 0}, {}), array("\n\\", {3}, {tiny, -0.0f, 3e38f})},
                    {{"a", ""}, {"ß", "\t"}});
  const auto file = open_safetensors(path_);
  EXPECT_EQ(list_of(*file), "layer.0/ü [2, 0] f32; \n\\ [3] f32");
  EXPECT_THAT(file->read(1), ElementsAre(tiny, -0.0f, 3e38f));
  EXPECT_EQ(file->texts(), (std::map<std::string, std::string>{{"a", ""}, {"ß", "\t"}}));
  write_safetensors(path_, {}, {});
  EXPECT_EQ(list_of(*open_safetensors(path_)), "");
  EXPECT_EQ(content_of(path_).size(), 16u);
}

TEST_F(WriteSafetensors, LeavesTheFileUnchangedOnAFullDisk) {
  const SmallDisk disk(folder_.path(), "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small file system is not permitted here";
  write_safetensors(path_, {array("a", {1}, {1})}, {});
  const std::vector<uint8_t> before = content_of(path_).bytes();
  const std::vector<WeightToWrite> large{array("a", {1 << 16}, std::vector<float>(1 << 16))};
  EXPECT_THROW(write_safetensors(path_, large, {}), NoRoomError);
  EXPECT_EQ(message_of([&] { write_safetensors(path_, large, {}); }),
            "cannot write " + path_.string() + ": No space left on device");
  EXPECT_EQ(content_of(path_).bytes(), before);
  const std::filesystem::directory_iterator files(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "a temporary file is left";
}

TEST_F(WriteSafetensors, LeavesTheFileUnchangedOnErrors) {
  write_content(path_, std::string("old"));
  const auto refusal = [&](const std::vector<WeightToWrite>& arrays,
                           const std::map<std::string, std::string>& metadata = {}) {
    const std::string message = message_of([&] { write_safetensors(path_, arrays, metadata); });
    EXPECT_EQ(content_of(path_).bytes(), FileBytes(std::string("old")).bytes());
    const std::filesystem::directory_iterator files(folder_.path());
    EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "a temporary file is left";
    const std::string start = concat("cannot write ", path_.string(), ": ");
    EXPECT_TRUE(message.starts_with(start)) << message;
    return message.substr(std::min(start.size(), message.size()));
  };
  EXPECT_EQ(refusal({array("a", {1}, {1}), array("a", {1}, {1})}), "the name 'a' is there twice");
  EXPECT_EQ(refusal({array("__metadata__", {1}, {1})}), "the name __metadata__ is reserved");
  EXPECT_EQ(refusal({array("a", {1}, {1}), array("b", {2}, {1})}),
            "array 'b' has 1 elements, expected [2]");
  EXPECT_EQ(refusal({array("\xff", {1}, {1})}), "'\\xff' is not valid UTF-8");
  EXPECT_EQ(refusal({}, {{"a", "\xff"}}), "'\\xff' is not valid UTF-8");
  EXPECT_EQ(
      message_of([&] {
        write_safetensors(path_, {{"a", {1}, []() -> std::vector<float> { fail("no"); }}}, {});
      }),
      "no");
  EXPECT_EQ(content_of(path_).size(), 3u);
  EXPECT_THAT(message_of([&] { write_safetensors(folder_.path(), {}, {}); }),
              HasSubstr("it is a folder"));
  EXPECT_THAT(message_of([&] { write_safetensors(folder_.path() / "none" / "a", {}, {}); }),
              HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace d2l::weights::test
