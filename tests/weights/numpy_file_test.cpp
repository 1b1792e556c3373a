#include "framework/weights/numpy_file.h"

#include <gmock/gmock.h>

#include "tests/weights/zip_builder.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FileBytes npy(const std::string& dictionary, const FileBytes& data, uint8_t version = 1) {
  FileBytes content(std::string("\x93NUMPY"));
  content.number(version).number(uint8_t{0});
  if (version == 1)
    content.u16(dictionary.size());
  else
    content.u32(dictionary.size());
  return content.add(dictionary).add(data);
}

std::string dictionary(const std::string& type, const std::string& shape,
                       const std::string& fortran = "False") {
  return concat("{'descr': '", type, "', 'fortran_order': ", fortran, ", 'shape': ", shape,
                ", }      \n");
}

class Numpy : public testing::Test {
 protected:
  std::unique_ptr<WeightFile> open(const FileBytes& content) const {
    write_content(path_, content);
    return open_npy(path_);
  }
  std::vector<float> read(const FileBytes& content) const { return open(content)->read(0); }
  std::string refusal(const FileBytes& content) const {
    const std::string message = message_of([&] { open(content); });
    EXPECT_TRUE(message.starts_with(path_.string() + ": ")) << message;
    return message.substr(std::min(message.size(), path_.string().size() + 2));
  }
  // Of a header with 4 bytes of elements.
  std::string refusal(const std::string& dictionary) const {
    return refusal(npy(dictionary, std::string(4, '\0')));
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "layer.weight.npy";
};

TEST_F(Numpy, ReadsAllVersionsOfTheFormat) {
  const FileBytes data = numbers<float>({1, 2, 3, 4, 5, 6});
  for (const uint8_t version : std::vector<uint8_t>{1, 2, 3}) {
    const auto file = open(npy(dictionary("<f4", "(2, 3)"), data, version));
    EXPECT_EQ(file->format(), "NumPy");
    EXPECT_EQ(list_of(*file), "layer.weight [2, 3] f32");
    EXPECT_THAT(file->read(0), ElementsAre(1, 2, 3, 4, 5, 6));
  }
}

TEST_F(Numpy, ReadsAllTypesAndByteOrders) {
  EXPECT_THAT(read(npy(dictionary("<f8", "(1,)"), numbers<double>({0.1}))), ElementsAre(0.1f));
  EXPECT_THAT(read(npy(dictionary(">f8", "(1,)"), std::string("\x3f\xf8\0\0\0\0\0\0", 8))),
              ElementsAre(1.5f));
  EXPECT_THAT(read(npy(dictionary(">f4", "(2,)"), std::string("\x3f\x80\0\0\xc0\0\0\0", 8))),
              ElementsAre(1.0f, -2.0f));
  EXPECT_THAT(read(npy(dictionary("<f2", "(1,)"), numbers<uint16_t>({0x3e00}))), ElementsAre(1.5f));
  EXPECT_THAT(read(npy(dictionary(">f2", "(1,)"), std::string("\x3e\0", 2))), ElementsAre(1.5f));
  EXPECT_THAT(read(npy(dictionary("<i8", "(1,)"), numbers<int64_t>({-5}))), ElementsAre(-5.0f));
  EXPECT_THAT(read(npy(dictionary(">i4", "(1,)"), std::string("\0\0\1\0", 4))),
              ElementsAre(256.0f));
  EXPECT_THAT(read(npy(dictionary("<i2", "(1,)"), numbers<int16_t>({-3}))), ElementsAre(-3.0f));
  EXPECT_THAT(read(npy(dictionary("|i1", "(1,)"), numbers<int8_t>({-3}))), ElementsAre(-3.0f));
  EXPECT_THAT(read(npy(dictionary("|u1", "(1,)"), numbers<uint8_t>({200}))), ElementsAre(200.0f));
  EXPECT_THAT(read(npy(dictionary("|b1", "(2,)"), numbers<uint8_t>({1, 0}))),
              ElementsAre(1.0f, 0.0f));
  EXPECT_THAT(read(npy(dictionary("<f4", "()"), numbers<float>({3}))), ElementsAre(3.0f));
  EXPECT_THAT(read(npy(dictionary("<f4", "(2, 0)"), {})), IsEmpty());
}

TEST_F(Numpy, ReadsArraysInFortranOrder) {
  EXPECT_THAT(read(npy(dictionary("<f4", "(2, 3)", "True"), numbers<float>({1, 4, 2, 5, 3, 6}))),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(
      read(npy(dictionary("<i2", "(2, 2, 2)", "True"), numbers<int16_t>({0, 4, 2, 6, 1, 5, 3, 7}))),
      ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(read(npy(dictionary("<i2", "(3,)", "True"), numbers<int16_t>({1, 2, 3}))),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(read(npy(dictionary("<i2", "(0, 3)", "True"), {})), IsEmpty());
  EXPECT_THAT(read(npy(dictionary(">i2", "(2, 2)", "True"), std::string("\0\1\0\3\0\2\0\4", 8))),
              ElementsAre(1, 2, 3, 4));
}

TEST_F(Numpy, AcceptsOtherSpellingsOfTheHeader) {
  const FileBytes data = numbers<float>({1});
  for (const std::string text :
       {"{'shape':(1,),'descr':'<f4','fortran_order':False}",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1L,)}\n",
        " { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 1 , ) , } "})
    EXPECT_THAT(read(npy(text, data)), ElementsAre(1.0f)) << text;
}

TEST_F(Numpy, NamesTypesThatItDoesNotRead) {
  const auto type = [&](const std::string& text) { return refusal(dictionary(text, "(1,)")); };
  const std::string expected = ", expected f2, f4, f8, i1, i2, i4, i8, u1 or b1 with a byte order";
  const std::string start = "the elements have NumPy's type '";
  EXPECT_EQ(type("|O"), start + "|O' (Python objects)" + expected);
  EXPECT_EQ(type("<U5"), start + "<U5' (texts)" + expected);
  EXPECT_EQ(type("|S5"), start + "|S5' (texts)" + expected);
  EXPECT_EQ(type("<c8"), start + "<c8' (complex numbers)" + expected);
  EXPECT_EQ(type("|V2"), start + "|V2' (structures or a type of another library)" + expected);
  EXPECT_EQ(type("<M8[s]"), start + "<M8[s]' (dates or durations)" + expected);
  EXPECT_EQ(type("<u4"), start + "<u4' (another type)" + expected);
  EXPECT_EQ(type("f4"), start + "f4' (another type)" + expected);
  EXPECT_EQ(type("|f4"), start + "|f4' (another type)" + expected);
  EXPECT_EQ(type(""), start + "' (another type)" + expected);
  EXPECT_EQ(refusal("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
            "the elements are structures, expected numbers");
}

TEST_F(Numpy, RefusesHeadersOfAnotherForm) {
  const auto found = [](const std::string& expected, const std::string& rest) {
    return concat("expected ", expected, " in the NumPy header, found ", rest);
  };
  EXPECT_EQ(refusal(std::string()), found("'{'", "its end"));
  EXPECT_EQ(refusal(std::string("{'descr'")), found("':'", "its end"));
  EXPECT_EQ(refusal(std::string("{'descr': __import__")),
            found("a text in quotes", "'__import__'"));
  EXPECT_EQ(refusal(std::string("{'descr': '<f")),
            found("a text in quotes without a backslash", "''<f'"));
  EXPECT_EQ(refusal(std::string("{'descr': '\\x3cf4'")),
            found("a text in quotes without a backslash", "''\\x3cf4''"));
  EXPECT_EQ(refusal(dictionary(std::string(70, 'f'), "(1,)")),
            found("a short text", "''fffffffffffffff'"));
  EXPECT_EQ(refusal(dictionary("<f4", "(1,)", "1")), found("True or False", "'1, 'shape': (1,)'"));
  EXPECT_EQ(refusal(dictionary("<f4", "(-1,)")), found("a size", "'-1,), }      \\n'"));
  EXPECT_EQ(refusal(dictionary("<f4", "(1 2)")), found("',' or ')'", "'2), }      \\n'"));
  EXPECT_EQ(refusal(dictionary("<f4", "[1]")), found("'('", "'[1], }      \\n'"));
  EXPECT_EQ(refusal(dictionary("<f4", "(1)")), "the shape of the NumPy header is not a tuple");
  EXPECT_EQ(refusal(dictionary("<f4", "(1,)") + "x"),
            "found more after the dictionary of the NumPy header");
  EXPECT_EQ(refusal(std::string("{'descr': '<f4', 'shape': (1,)}")),
            "the NumPy header has no fortran_order");
  EXPECT_EQ(refusal(std::string("{'descr': '<f4', 'descr': '<f4'}")),
            "the key 'descr' is twice in the NumPy header");
  EXPECT_EQ(refusal(std::string("{'title': '<f4'}")),
            "found the key 'title' in the NumPy header, expected descr, fortran_order and shape");
}

TEST_F(Numpy, RefusesShapesThatAreTooLarge) {
  EXPECT_EQ(refusal(dictionary("<f4", "(1099511627777,)")),
            "the array has an axis of more than 2^40 elements");
  EXPECT_EQ(refusal(dictionary("<f4", "(99999999999999999999999999,)")),
            "the array has an axis of more than 2^40 elements");
  EXPECT_EQ(refusal(dictionary("<f4", "(1099511627776, 1099511627776)")),
            "array 'layer.weight' has the shape [1099511627776, 1099511627776], expected at most "
            "2^40 elements");
  EXPECT_EQ(refusal(dictionary("<f4", "(1,1,1,1,1,1,1,1,1)")), "the array has more than 8 axes");
}

TEST_F(Numpy, RefusesFilesOfAnotherSize) {
  const FileBytes whole = npy(dictionary("<f4", "(2,)"), numbers<float>({1, 2}));
  EXPECT_EQ(refusal(whole.cut(whole.size() - 1)),
            "expected 8 bytes for f32 [2], found 7: the array is cut off");
  EXPECT_EQ(refusal(FileBytes(whole).u16(0)), "found 2 bytes after the array, expected none");
  EXPECT_EQ(refusal(whole.cut(7)), "expected an array in NumPy's format, found 7 bytes");
  EXPECT_EQ(refusal(FileBytes()), "expected an array in NumPy's format, found 0 bytes");
  for (size_t size = 0; size < whole.size(); ++size) refusal(whole.cut(size));
  EXPECT_EQ(refusal(FileBytes(std::string("\x93NUMPZ\1\0\0\0", 10))),
            "expected an array in NumPy's format, found other bytes");
  EXPECT_EQ(refusal(npy(dictionary("<f4", "(2,)"), numbers<float>({1, 2}), 4)),
            "has version 4.0 of NumPy's format, expected 1.0, 2.0 or 3.0");
  FileBytes huge(std::string("\x93NUMPY\2\0", 8));
  EXPECT_EQ(refusal(huge.u32(0xffffffff)),
            "the NumPy header has 4294967295 bytes, expected at most 1048576");
}

class NumpyArchive : public Numpy {
 protected:
  std::unique_ptr<WeightFile> open(const std::vector<ZipItem>& items) const {
    write_content(archive_, zip_bytes(items));
    return open_npz(std::make_unique<ZipFile>(archive_));
  }
  std::string refusal(const std::vector<ZipItem>& items) const {
    const std::string message = message_of([&] { open(items); });
    EXPECT_TRUE(message.starts_with(archive_.string() + ": ")) << message;
    return message.substr(std::min(message.size(), archive_.string().size() + 2));
  }

  const std::filesystem::path archive_ = folder_.path() / "a.npz";
};

TEST_F(NumpyArchive, ReadsStoredAndDeflatedArrays) {
  const FileBytes a = npy(dictionary("<f4", "(2, 2)", "True"), numbers<float>({1, 3, 2, 4}));
  const FileBytes b = npy(dictionary(">i2", "(2,)"), std::string("\0\1\0\2", 4), 2);
  const auto file = open({stored_item("layer/", {}), stored_item("layer/a.npy", a),
                          deflated_item("b.npy", b), deflated_item(".npy", b)});
  EXPECT_EQ(file->format(), "NumPy");
  EXPECT_EQ(list_of(*file), "layer/a [2, 2] f32; b [2] i16;  [2] i16");
  EXPECT_THAT(file->read(0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(file->read(1), ElementsAre(1, 2));
}

TEST_F(NumpyArchive, RefusesEntriesThatAreNoArrays) {
  const FileBytes whole = npy(dictionary("<f4", "(2,)"), numbers<float>({1, 2}));
  for (const auto item : {stored_item, deflated_item}) {
    EXPECT_EQ(refusal({item("a.txt", whole)}),
              "entry 'a.txt': expected only names that end with .npy");
    EXPECT_EQ(refusal({item("a.npy", {})}),
              "entry 'a.npy': expected an array in NumPy's format, found 0 bytes");
    EXPECT_EQ(refusal({item("a.npy", whole.cut(40))}),
              "entry 'a.npy': the NumPy header has 74 bytes, found only 40");
    EXPECT_EQ(refusal({item("a.npy", whole.cut(80))}),
              "entry 'a.npy': expected 8 bytes for f32 [2], found 6: the array is cut off");
    EXPECT_EQ(refusal({item("a.npy", FileBytes(whole).u16(0))}),
              "entry 'a.npy': found 2 bytes after the array, expected none");
  }
}

TEST_F(NumpyArchive, VerifiesTheChecksumWhenItReads) {
  ZipItem item = stored_item("a.npy", npy(dictionary("<f4", "(1,)"), numbers<float>({1})));
  item.checksum ^= 1;
  const auto file = open({item});
  EXPECT_EQ(message_of([&] { file->read(0); }),
            archive_.string() +
                ": cannot read array 'a': entry 'a.npy' of the ZIP archive is damaged: its bytes "
                "do not have the checksum that the directory says");
}

}  // namespace
}  // namespace d2l::weights::test
