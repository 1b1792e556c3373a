#include <gmock/gmock.h>

#include <bit>
#include <cstring>

#include "framework/base/files.h"
#include "framework/weights/torch_file.h"
#include "tests/weights/torch_support.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Files of the real PyTorch 2.15, which are also the seeds of the fuzz target. With `base` =
// torch.arange(12.).reshape(3, 4), `model` = Sequential(Linear(2, 1), BatchNorm1d(1)) with the
// weights 0.5, -0.25 and the bias 3, and an SGD optimizer with momentum 0.9 that has taken one step
// of rate 0.1 (the weights become 0.4, -0.35 and the bias 2.9), the objects that torch.save() got
// are:
//   types.pt        OrderedDict of 7 tensors of different types
//   views.pt        {"whole": base, "transposed": base.t(), "column": base[:, 1],
//                    "repeated": base[0, :1].expand(2, 3), "part": base[1:],
//                    "empty": torch.zeros(0, 3), "scalar": base[2, 3]}
//   state_dict.pt   model.state_dict()
//   nested.pt       a checkpoint: {"state_dict": {"w": ...}, "epoch": 3, "best": 91.78, "arch":
//                   "résnet\n20", "optimizer": optimizer.state_dict(), "parameter": model[0].bias,
//                   "none": None, "flags": (True, torch.Size([2, 3]), 2**70, -2**40,
//                   torch.float32)}
//   protocol4.pt, protocol5.pt   {"w": base[:2], "b": b"ab"}, with this pickle_protocol
//   old_views.pt    {"whole": base, "transposed": base.t(), "parameter": Parameter(base[1]),
//                    "half": torch.ones(2).half()}, with _use_new_zipfile_serialization=False
//   old_protocol4.pt   {"w": base, "n": {"x": torch.tensor([1, 2])}}, the same and
//                      pickle_protocol=4
//   module.pt       torch.nn.Linear(2, 1)
//   script.pt       torch.jit.script() of a module without parameters, written by its save()
//   training.pt     what a training script saves: {"model": OrderedDict(w=torch.tensor([1.5])),
//                   "args": Namespace(lr=0.1, out=Path("/x"), mean=np.float32(3), device=
//                   torch.device("cpu")), "epoch": 3, "best": np.float64(0.5), "curve":
//                   np.arange(3.), "steps": Counter({1: 2}), "log": defaultdict(list, a=[1, 2]),
//                   "version": torch.__version__}
//   float8.pt       {"c": torch.zeros(1).to(torch.float8_e4m3fn)}
std::filesystem::path torch_sample(const std::string& name) {
  return source_dir() / "tests/fuzz/seeds/torch" / name;
}

std::unique_ptr<WeightFile> open_sample(const std::string& name) {
  return open_weights(torch_sample(name));
}

std::vector<float> values_of(const WeightFile& file, const std::string& name) {
  for (size_t i = 0; i < file.weights().size(); ++i)
    if (file.weights()[i].name == name) return file.read(i);
  ADD_FAILURE() << "no array " << name;
  return {};
}

std::vector<float> counted(int begin, int end) {
  std::vector<float> values;
  for (int i = begin; i < end; ++i) values.push_back(static_cast<float>(i));
  return values;
}

// Floats 0, 1, 2, ...
std::string float_bytes(int64_t count) {
  std::string bytes;
  for (int64_t i = 0; i < count; ++i)
    bytes += little_endian(std::bit_cast<uint32_t>(static_cast<float>(i)), 4);
  return bytes;
}

class TorchFileTest : public testing::Test {
 protected:
  std::unique_ptr<WeightFile> open_zip(
      const std::vector<std::pair<std::string, std::string>>& entries) {
    write_content(path_, zip_of(entries));
    return open_torch_zip(std::make_unique<ZipFile>(path_));
  }
  // `value` is a pickle without PROTO and STOP.
  std::unique_ptr<WeightFile> open_value(const std::string& value, int64_t elements = 6) {
    return open_zip(
        {{"x/data.pkl", kProtocol2 + value + "."}, {"x/data/0", float_bytes(elements)}});
  }
  std::unique_ptr<WeightFile> open_tensor(const TensorSpec& spec) {
    return open_value(pickled_dictionary({{"w", pickled(spec)}}), spec.elements);
  }
  std::string tensor_error(const TensorSpec& spec) {
    return message_of([&] { open_tensor(spec); });
  }
  std::string value_error(const std::string& value) {
    return message_of([&] { open_value(value); });
  }
  std::string zip_error(const std::vector<std::pair<std::string, std::string>>& entries) {
    return message_of([&] { open_zip(entries); });
  }
  std::unique_ptr<WeightFile> open_old(const std::string& bytes) {
    write_content(path_, bytes);
    return open_torch_legacy(path_);
  }
  std::string old_error(const std::string& bytes) {
    return message_of([&] { open_old(bytes); });
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.pt";
};

TEST(TorchSamples, ElementTypes) {
  const auto file = open_sample("types.pt");
  EXPECT_EQ(file->format(), "PyTorch");
  EXPECT_EQ(file->layout(), Layout::channels_first);
  EXPECT_EQ(list_of(*file),
            "f64 [2] f64; f16 [2] f16; bf16 [2] bf16; i64 [] i64; boolean [3] boolean; i32 [1, 2] "
            "i32; u8 [1] u8");
  EXPECT_THAT(values_of(*file, "f64"), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(values_of(*file, "f16"), ElementsAre(0.0999755859375F, 65504.0F));
  EXPECT_THAT(values_of(*file, "bf16"), ElementsAre(0.10009765625F, -0x1.c4p+127F));
  EXPECT_THAT(values_of(*file, "i64"), ElementsAre(-7.0F));
  EXPECT_THAT(values_of(*file, "boolean"), ElementsAre(1.0F, 0.0F, 1.0F));
  EXPECT_THAT(values_of(*file, "i32"), ElementsAre(1.0F, -2.0F));
  EXPECT_THAT(values_of(*file, "u8"), ElementsAre(255.0F));
}

TEST(TorchSamples, ViewsOfSharedStorages) {
  const auto file = open_sample("views.pt");
  EXPECT_EQ(list_of(*file),
            "whole [3, 4] f32; transposed [4, 3] f32; column [3] f32; repeated [2, 3] f32; "
            "part [2, 4] f32; empty [0, 3] f32; scalar [] f32");
  EXPECT_EQ(values_of(*file, "whole"), counted(0, 12));
  EXPECT_THAT(values_of(*file, "transposed"), ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
  EXPECT_THAT(values_of(*file, "column"), ElementsAre(1, 5, 9));
  EXPECT_THAT(values_of(*file, "repeated"), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_EQ(values_of(*file, "part"), counted(4, 12));
  EXPECT_THAT(values_of(*file, "empty"), ElementsAre());
  EXPECT_THAT(values_of(*file, "scalar"), ElementsAre(11));
}

TEST(TorchSamples, StateOfAModel) {
  const auto file = open_sample("state_dict.pt");
  EXPECT_EQ(list_of(*file),
            "0.weight [1, 2] f32; 0.bias [1] f32; 1.weight [1] f32; 1.bias [1] f32; 1.running_mean "
            "[1] f32; 1.running_var [1] f32; 1.num_batches_tracked [] i64");
  EXPECT_THAT(values_of(*file, "0.weight"), ElementsAre(0.5F, -0.25F));
  EXPECT_THAT(values_of(*file, "0.bias"), ElementsAre(3.0F));
  EXPECT_TRUE(file->texts().empty()) << "_metadata is no text";
}

TEST(TorchSamples, NestedDictionariesAndTexts) {
  const auto file = open_sample("nested.pt");
  EXPECT_EQ(list_of(*file),
            "state_dict.w [1, 2] f32; optimizer.state.0.momentum_buffer [1, 2] f32; "
            "optimizer.state.1.momentum_buffer [1] f32; parameter [1] f32");
  EXPECT_THAT(values_of(*file, "state_dict.w"), ElementsAre(0.4F, -0.35F));
  EXPECT_THAT(values_of(*file, "parameter"), ElementsAre(2.9F));
  const auto& texts = file->texts();
  EXPECT_EQ(texts.at("epoch"), "3");
  EXPECT_EQ(texts.at("best"), "91.78");
  EXPECT_EQ(texts.at("arch"), "r\u00e9snet\\n20");
  EXPECT_EQ(texts.at("none"), "None");
  EXPECT_EQ(texts.at("flags.0"), "True");
  EXPECT_EQ(texts.at("flags.1"), "[2, 3]");
  EXPECT_EQ(texts.at("flags.2"), "0x400000000000000000");
  EXPECT_EQ(texts.at("flags.3"), "-1099511627776");
  EXPECT_EQ(texts.at("flags.4"), "torch.float32");
  EXPECT_EQ(texts.at("optimizer.param_groups.0.params"), "[0, 1]");
  EXPECT_EQ(texts.at("optimizer.param_groups.0.lr"), "0.1");
}

TEST(TorchSamples, ObjectsBesideTheWeights) {
  const auto file = open_sample("training.pt");
  EXPECT_EQ(list_of(*file), "model.w [1] f32");
  EXPECT_THAT(values_of(*file, "model.w"), ElementsAre(1.5F));
  const auto& texts = file->texts();
  EXPECT_EQ(texts.at("args"), "an object of argparse.Namespace");
  EXPECT_EQ(texts.at("best"), "an object of numpy._core.multiarray.scalar");
  EXPECT_EQ(texts.at("curve"), "an object of numpy._core.multiarray._reconstruct");
  EXPECT_EQ(texts.at("steps"), "an object of collections.Counter");
  EXPECT_EQ(texts.at("version"), "an object of torch.torch_version.TorchVersion");
  EXPECT_EQ(texts.at("log.a"), "[1, 2]");
  EXPECT_EQ(texts.at("epoch"), "3");
}

TEST(TorchSamples, Protocols4And5) {
  for (const char* name : {"protocol4.pt", "protocol5.pt"}) {
    const auto file = open_sample(name);
    EXPECT_EQ(values_of(*file, "w"), counted(0, 8)) << name;
    EXPECT_EQ(file->texts().at("b"), "2 bytes");
  }
}

TEST(TorchSamples, OldFiles) {
  const auto views = open_sample("old_views.pt");
  EXPECT_EQ(list_of(*views),
            "whole [3, 4] f32; transposed [4, 3] f32; parameter [4] f32; half [2] f16");
  EXPECT_EQ(values_of(*views, "whole"), counted(0, 12));
  EXPECT_THAT(values_of(*views, "transposed"), ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
  EXPECT_EQ(values_of(*views, "parameter"), counted(4, 8));
  EXPECT_THAT(values_of(*views, "half"), ElementsAre(1, 1));
  const auto nested = open_sample("old_protocol4.pt");
  EXPECT_EQ(values_of(*nested, "w"), counted(0, 12));
  EXPECT_THAT(values_of(*nested, "n.x"), ElementsAre(1, 2));
}

TEST(TorchSamples, WholeModulesAndPrograms) {
  EXPECT_THAT(message_of([] { open_sample("module.pt"); }),
              HasSubstr("module.pt: data.pkl: byte 2: GLOBAL torch.nn.modules.linear.Linear is a "
                        "class or function that is not read; nothing is called, and only tensors, "
                        "dictionaries, lists, numbers and strings are read. In PyTorch, save the "
                        "tensors alone: torch.save(model.state_dict(), \"weights.pt\")"));
  EXPECT_THAT(message_of([] { open_sample("script.pt"); }),
              HasSubstr("script.pt: expected a file of tensors, found a TorchScript archive"));
  EXPECT_THAT(message_of([] { open_sample("float8.pt"); }),
              HasSubstr("GLOBAL torch.float8_e4m3fn: expected elements of the types f64"));
}

// The weights of a real ResNet-20, which were converted to safetensors by PyTorch.
TEST(TorchSamples, RealFile) {
  const auto data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const auto folder = data / "pretrained/resnet20-cifar10";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no folder " << folder;
  const auto file = open_weights(folder / "resnet20-12fca82f.th");
  const auto expected = open_weights(folder / "resnet20-12fca82f.safetensors");
  EXPECT_EQ(file->format(), "PyTorch");
  EXPECT_EQ(file->texts().at("best_prec1"), "91.78000183105469");
  ASSERT_EQ(file->weights().size(), expected->weights().size());
  EXPECT_GT(file->weights().size(), 90U);
  for (size_t i = 0; i < expected->weights().size(); ++i) {
    const WeightInfo& info = expected->weights()[i];
    const std::string name = "state_dict.module." + info.name;
    const std::vector<float> found = values_of(*file, name), wanted = expected->read(i);
    ASSERT_EQ(found.size(), wanted.size()) << name;
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), found.size() * sizeof(float)), 0) << name;
  }
}

TEST_F(TorchFileTest, TruncatedAnywhere) {
  for (const char* name : {"views.pt", "old_views.pt"}) {
    const std::string bytes = read_text_file(torch_sample(name));
    ASSERT_GT(bytes.size(), 500U);
    for (size_t size = 0; size < bytes.size(); ++size) {
      write_content(path_, bytes.substr(0, size));
      const std::string message = message_of([&] {
        bytes.starts_with("PK") ? open_torch_zip(std::make_unique<ZipFile>(path_))
                                : open_torch_legacy(path_);
      });
      EXPECT_THAT(message, HasSubstr("model.pt")) << name << ", " << size << " bytes";
    }
  }
}

TEST_F(TorchFileTest, DamagedElements) {
  std::string bytes = read_text_file(torch_sample("views.pt"));
  const size_t at = bytes.find(float_bytes(12));
  ASSERT_NE(at, std::string::npos);
  bytes[at] ^= 1;
  write_content(path_, bytes);
  const auto file = open_torch_zip(std::make_unique<ZipFile>(path_));
  EXPECT_THAT(message_of([&] { values_of(*file, "whole"); }),
              testing::AllOf(HasSubstr("cannot read array 'whole'"), HasSubstr("is damaged")));
}

TEST_F(TorchFileTest, Views) {
  const auto values = [&](const TensorSpec& spec) { return values_of(*open_tensor(spec), "w"); };
  EXPECT_EQ(values({}), counted(0, 6));
  EXPECT_THAT(values({.offset = 5, .strides = {-1}}), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(values({.offset = 2, .sizes = {2, 2}, .strides = {3, -2}}), ElementsAre(2, 0, 5, 3));
  EXPECT_THAT(values({.offset = 6, .sizes = {0}}), ElementsAre());
  EXPECT_THAT(values({.offset = 5, .sizes = {1, 1}, .strides = {INT64_MAX, INT64_MIN}}),
              ElementsAre(5))
      << "the stride of a single element does not matter";
  EXPECT_THAT(values({.elements = 2, .sizes = {2, 1, 2}, .strides = {0, INT64_MAX, 1}}),
              ElementsAre(0, 1, 0, 1));
}

TEST_F(TorchFileTest, ViewsOutsideTheirStorage) {
  const std::vector<TensorSpec> specs = {
      {.offset = 1},
      {.offset = -1},
      {.offset = 7, .sizes = {0}},
      {.sizes = {7}},
      {.strides = {2}},
      {.strides = {-1}},
      {.offset = 5, .sizes = {2}, .strides = {-6}},
      {.offset = INT64_MAX, .sizes = {1}},
      {.offset = INT64_MAX, .sizes = {2}},
      {.sizes = {3}, .strides = {INT64_MAX}},
      {.sizes = {3}, .strides = {INT64_MIN}},
      {.offset = INT64_MIN, .sizes = {2}, .strides = {-1}},
      {.sizes = {2, 2}, .strides = {INT64_MAX, INT64_MAX}},
      {.sizes = {int64_t{1} << 40}, .strides = {int64_t{1} << 30}}};
  for (const TensorSpec& spec : specs)
    EXPECT_THAT(tensor_error(spec), HasSubstr("is not inside its storage of 6 elements"))
        << testing::PrintToString(spec.offset) << testing::PrintToString(spec.sizes);
  EXPECT_THAT(tensor_error({.offset = 1}),
              HasSubstr("model.pt: data.pkl: 'w' of shape [6] with strides [1] from element 1 on"));
}

TEST_F(TorchFileTest, ImpossibleShapes) {
  EXPECT_THAT(tensor_error({.sizes = {-1}}), HasSubstr("'w' has the size -1, expected at least 0"));
  EXPECT_THAT(tensor_error({.strides = {}}), HasSubstr("'w' has 1 sizes, but 0 strides"));
  const std::vector<int64_t> ones(9, 1);
  EXPECT_THAT(tensor_error({.sizes = ones, .strides = ones}),
              HasSubstr("9 axes, expected at most 8"));
  const int64_t large = int64_t{1} << 32;
  EXPECT_THAT(tensor_error({.sizes = {large, large}, .strides = {0, 0}}),
              HasSubstr("at most 2^40"));
  EXPECT_THAT(tensor_error({.sizes = {4096, 4097}, .strides = {0, 0}}),
              HasSubstr("repeats the elements of a storage of only 6"));
  std::string text = pickled_dictionary({{"w", pickled(TensorSpec{})}});
  text.replace(text.find(pickled_tuple({6})), pickled_tuple({6}).size(), "N\x85");
  EXPECT_THAT(value_error(text),
              HasSubstr("expected integers as sizes and strides of 'w', found None"));
}

TEST_F(TorchFileTest, WrongArchives) {
  const std::string pickle = kProtocol2 + pickled_dictionary({{"w", pickled(TensorSpec{})}}) + ".";
  const std::string data = float_bytes(6);
  EXPECT_EQ(open_zip({{"a b/data.pkl", pickle}, {"a b/data/0", data}, {"a b/byteorder", "little"}})
                ->weights()
                .size(),
            1U);
  EXPECT_EQ(open_zip({{"data.pkl", pickle}, {"data/0", data}})->weights().size(), 1U);
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"x/data/0", data}, {"x/byteorder", "big"}}),
              HasSubstr("entry 'x/byteorder': expected the byte order 'little', found 'big'"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}}), HasSubstr("expected an entry 'x/data/0'"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"y/data/0", data}}), HasSubstr("found none"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"x/data/0", data + "0000"}}),
              HasSubstr("entry 'x/data/0' has 28 bytes, expected 6 elements of 4 bytes"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"x/data/0", ""}}), HasSubstr("has 0 bytes"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"y/data.pkl", pickle}}),
              HasSubstr("expected one entry data.pkl, as torch.save() writes, found 2"));
  EXPECT_THAT(zip_error({{"x/version", "3"}}), HasSubstr("found 0"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle}, {"x/data/0", data}, {"x/code/m.py", ""}}),
              HasSubstr("torch.save(torch.jit.load(\"model.pt\").state_dict(), \"weights.pt\")"));
  EXPECT_THAT(zip_error({{"x/data.pkl", pickle + "more"}, {"x/data/0", data}}),
              HasSubstr("data.pkl: expected the end of the pickle"));
  for (const int64_t elements : {int64_t{7}, int64_t{1} << 62, INT64_MAX})
    EXPECT_THAT(value_error(pickled_dictionary({{"w", pickled(TensorSpec{.elements = elements})}})),
                HasSubstr(concat("has 24 bytes, expected ", elements, " elements of 4 bytes")));
}

TEST_F(TorchFileTest, WrongValues) {
  EXPECT_THAT(value_error(pickled(TensorSpec{})),
              HasSubstr("expected a dictionary of tensors, found a tensor"));
  EXPECT_THAT(value_error("]"), HasSubstr("found a list"));
  EXPECT_THAT(value_error("}NK\1s"), HasSubstr("expected strings or integers as keys"));
  EXPECT_THAT(value_error(pickled_dictionary({{"f", pickled_name("torch Size")}})),
              HasSubstr("expected a tensor, number or string as 'f', found a function or class"));
  EXPECT_THAT(
      value_error(pickled_dictionary({{"w", pickled(TensorSpec{})}, {"w", pickled(TensorSpec{})}})),
      HasSubstr("'w' is there twice"));
  EXPECT_THAT(value_error(pickled_dictionary({{"a\nb", "N"}})),
              HasSubstr("expected names in UTF-8 without control characters, found 'a\\nb'"));
  EXPECT_THAT(value_error(pickled_dictionary({{"\xff", "N"}})), HasSubstr("names in UTF-8"));
  EXPECT_THAT(value_error(pickled_dictionary({{std::string(1001, 'n'), "N"}})),
              HasSubstr("expected names of at most 1000 bytes"));
  std::string deep = "N";
  for (int i = 0; i < 65; ++i) deep = pickled_dictionary({{"d", deep}});
  EXPECT_THAT(value_error(deep), HasSubstr("nested deeper than 64 levels at 'd.d.d"));
}

TEST_F(TorchFileTest, WeightsOnlyInsideAnObject) {
  const std::string object = pickled_name("argparse Namespace") + ")\x81" +
                             pickled_dictionary({{"w", pickled(TensorSpec{})}}) + "b";
  EXPECT_THAT(value_error(pickled_dictionary({{"epoch", "K\1"}, {"args", object}})),
              HasSubstr("expected tensors, found none outside of objects such as 'args', an "
                        "object of argparse.Namespace, which are not read"));
  EXPECT_THAT(value_error(pickled_dictionary({{"all", "](K\1" + object + "e"}})),
              HasSubstr("outside of objects such as 'all'"));
  EXPECT_THAT(value_error(object), HasSubstr("expected a dictionary of tensors, found an object"));
  EXPECT_EQ(
      list_of(*open_value(pickled_dictionary({{"args", object}, {"v", pickled(TensorSpec{})}}))),
      "v [6] f32");
}

// Small pickles whose values would be far larger than the pickle.
TEST_F(TorchFileTest, ValuesThatAreRepeatedAgainAndAgain) {
  // Each of 30 lists has the previous one 8 times.
  std::string lists = "(]q\0}a"s;
  for (char level = 1; level <= 30; ++level) {
    lists += "](";
    for (int i = 0; i < 8; ++i) lists += {'h', static_cast<char>(level - 1)};
    lists += {'e', 'q', level};
  }
  EXPECT_THAT(value_error("}" + pickled("a") + lists + "ts"),
              HasSubstr("the same values appear again and again"));
  // A dictionary that contains itself.
  EXPECT_THAT(value_error("}q\0"s + pickled("me") + "h\0s"s), HasSubstr("nested deeper than"));
  // One long string under many names.
  std::string texts = "}(" + pickled("a") + pickled(std::string(1 << 16, 'x')) + "q\0"s;
  for (int i = 0; i < 1 << 14; ++i)
    texts += "J" + little_endian(static_cast<uint64_t>(i), 4) + "h\0"s;
  EXPECT_THAT(value_error(texts + "u"), HasSubstr("the same values appear again and again"));
}

// The parts of an old file: see torch.serialization._legacy_save().
struct OldParts {
  std::string magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  std::string version = "M\xe9\x03";
  std::string machine = pickled_dictionary({{"little_endian", "\x88"}});
  std::string value = pickled_dictionary({{"w", pickled(TensorSpec{.part = "N"})}});
  std::string keys = "]" + pickled("0") + "a";
  std::string storages = little_endian(6, 8) + float_bytes(6);

  std::string bytes() const {
    std::string all;
    for (const std::string& part : {magic, version, machine, value, keys})
      all += kProtocol2 + part + ".";
    return all + storages;
  }
};

TEST_F(TorchFileTest, OldFiles) {
  EXPECT_EQ(values_of(*open_old(OldParts{}.bytes()), "w"), counted(0, 6));
  // A storage that is a part of another one.
  const TensorSpec part{.sizes = {2}, .part = pickled("1") + "K\2K\3\x87"};
  EXPECT_EQ(
      values_of(*open_old(OldParts{.value = pickled_dictionary({{"w", pickled(part)}})}.bytes()),
                "w"),
      counted(2, 4));
  const TensorSpec outside{.sizes = {4}, .part = pickled("1") + "K\2K\3\x87"};
  EXPECT_THAT(old_error(OldParts{.value = pickled_dictionary({{"w", pickled(outside)}})}.bytes()),
              HasSubstr("is not inside its storage of 3 elements"));
}

TEST_F(TorchFileTest, WrongOldFiles) {
  EXPECT_THAT(
      old_error(OldParts{.magic = "K\7"}.bytes()),
      HasSubstr("expected a file of torch.save(), which begins with a magic number, found a "
                "pickle of an integer"));
  EXPECT_THAT(old_error(OldParts{.magic = "}"}.bytes()),
              HasSubstr("found a pickle of a dictionary"));
  EXPECT_THAT(old_error(OldParts{.version = "K\1"}.bytes()), HasSubstr("expected version 1001"));
  EXPECT_THAT(old_error(OldParts{.machine = "N"}.bytes()),
              HasSubstr("machine's properties, found None"));
  EXPECT_THAT(
      old_error(OldParts{.machine = pickled_dictionary({{"little_endian", "\x89"}})}.bytes()),
      HasSubstr("expected the byte order little_endian"));
  EXPECT_THAT(
      old_error(OldParts{.value = pickled_name("posix system")}.bytes()),
      testing::ContainsRegex("model.pt: dictionary at byte [0-9]+: byte 2: GLOBAL posix.system"));
  EXPECT_THAT(old_error(OldParts{.keys = "N"}.bytes()), HasSubstr("expected a list of storages"));
  EXPECT_THAT(old_error(OldParts{.keys = "]Na"}.bytes()),
              HasSubstr("expected strings in the list"));
  EXPECT_THAT(old_error(OldParts{.keys = "]"}.bytes()), HasSubstr("more bytes"));
  EXPECT_THAT(old_error(OldParts{.keys = "]", .storages = ""}.bytes()),
              HasSubstr("storage '0' is not in the list of storages"));
  EXPECT_THAT(old_error(OldParts{.keys = "]" + pickled("1") + "a"}.bytes()),
              HasSubstr("storage '1' in the list of storages is not used by a tensor"));
  EXPECT_THAT(old_error(OldParts{.keys = "](" + pickled("0") + pickled("0") + "e"}.bytes()),
              HasSubstr("storage '0' in the list of storages is there twice"));
  EXPECT_THAT(old_error(OldParts{.storages = little_endian(7, 8) + float_bytes(7)}.bytes()),
              HasSubstr("storage '0' has 7 elements, expected 6"));
  EXPECT_THAT(old_error(OldParts{.storages = little_endian(6, 8) + float_bytes(5)}.bytes()),
              HasSubstr("storage '0' needs 6 elements of 4 bytes, found only 20 bytes"));
  EXPECT_THAT(old_error(OldParts{}.bytes() + "x"), HasSubstr("found 1 more bytes"));
  const TensorSpec other{.storage = "torch LongStorage", .part = "N"};
  EXPECT_THAT(
      old_error(OldParts{.value = pickled_dictionary(
                             {{"a", pickled(TensorSpec{.part = "N"})}, {"b", pickled(other)}})}
                    .bytes()),
      HasSubstr("storage '0' has 6 elements of type f32 and then 6 of type i64"));
}

}  // namespace
}  // namespace d2l::weights::test
