#include "framework/weights/pickle.h"

#include <gmock/gmock.h>

#include <cstring>

#include "framework/weights/pickle_names.h"
#include "tests/weights/torch_support.h"

namespace d2l::weights::test {
namespace {

using Kind = PickleValue::Kind;
using testing::HasSubstr;

Pickle parse(const std::string& bytes) {
  return {"file", bytes.size(), [&](uint64_t begin, std::span<uint8_t> out) {
            std::memcpy(out.data(), bytes.data() + begin, out.size());
          }};
}

// A value as text, to compare: "{'a': [1, 2.5], 'b': (tensor f32)}".
std::string show(const Pickle& pickle, const PickleValue& value) {
  const auto all = [&](const char* begin, const char* end) {
    std::string text = begin;
    const auto& items = pickle.items(value);
    const bool is_dictionary = value.is(Kind::dictionary);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text += is_dictionary && i % 2 == 1 ? ": " : ", ";
      text += show(pickle, items[i]);
    }
    return text + end;
  };
  switch (value.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return value.payload == 1 ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.payload);
    case Kind::real:
      return concat(value.real());
    case Kind::text:
      return concat("'", pickle.content(value), "'");
    case Kind::list:
      return all("[", "]");
    case Kind::tuple:
      return all("(", ")");
    case Kind::dictionary:
      return all("{", "}");
    case Kind::tensor:
      return "tensor " + to_string(pickle.tensor(value).type);
    case Kind::type:
      return std::string(pickle_name(static_cast<int>(value.payload)).name);
    case Kind::object:
      return concat("<", pickle_name(static_cast<int>(value.payload)).name, ">");
    default:
      return concat(to_string(value.kind), " ", pickle.content(value));
  }
}

// The value of a pickle without its PROTO and STOP.
std::string shown(const std::string& body) {
  const std::string bytes = kProtocol2 + body + ".";
  const Pickle pickle = parse(bytes);
  EXPECT_EQ(pickle.bytes(), bytes.size());
  return show(pickle, pickle.root());
}

std::string refused(const std::string& body) {
  return message_of([&] { parse(kProtocol2 + body + "."); });
}

TEST(Pickle, Scalars) {
  EXPECT_EQ(shown("N"), "None");
  EXPECT_EQ(shown("\x88"), "True");
  EXPECT_EQ(shown("\x89"), "False");
  EXPECT_EQ(shown("K\xff"), "255");
  EXPECT_EQ(shown("M\x01\x02"), "513");
  EXPECT_EQ(shown("J\xfe\xff\xff\xff"), "-2");
  EXPECT_EQ(shown("\x8a\0"s), "0");
  EXPECT_EQ(shown("\x8a\x01\x80"), "-128");
  EXPECT_EQ(shown("\x8a\x03\0\0\x01"s), "65536");
  EXPECT_EQ(shown("\x8a\x08\0\0\0\0\0\0\0\x80"s), "-9223372036854775808");
  EXPECT_EQ(shown("\x8a\x09\x41\x42\x43\x44\x45\x46\x47\x48\x49"), "an integer ABCDEFGHI");
  EXPECT_EQ(shown("G\x40\x04\0\0\0\0\0\0"s), "2.5");
}

TEST(Pickle, TextsAndBytes) {
  for (const std::string& opcode :
       {"U\x02"s, "\x8c\x02"s, "T\x02\0\0\0"s, "X\x02\0\0\0"s, "\x8d\x02\0\0\0\0\0\0\0"s})
    EXPECT_EQ(shown(opcode + "ab"), "'ab'");
  for (const std::string& opcode : {"C\x02"s, "B\x02\0\0\0"s, "\x8e\x02\0\0\0\0\0\0\0"s})
    EXPECT_EQ(shown(opcode + "ab"), "bytes ab");
}

TEST(Pickle, Containers) {
  EXPECT_EQ(shown(")"), "()");
  EXPECT_EQ(shown("K\1\x85"), "(1)");
  EXPECT_EQ(shown("K\1K\2\x86"), "(1, 2)");
  EXPECT_EQ(shown("K\1K\2K\3\x87"), "(1, 2, 3)");
  EXPECT_EQ(shown("(K\1(K\2tK\3t"), "(1, (2), 3)");
  EXPECT_EQ(shown("]K\1a(K\2K\3e"), "[1, 2, 3]");
  EXPECT_EQ(shown("}K\1K\2s(K\3NK\4Nu"), "{1: 2, 3: None, 4: None}");
}

TEST(Pickle, OrderedDictionaries) {
  const std::string name = pickled_name("collections OrderedDict");
  EXPECT_EQ(shown(name + ")RK\1K\2s"), "{1: 2}");
  // Attributes are ignored.
  EXPECT_EQ(shown(name + ")R}" + pickled("_metadata") + "}sb"), "{}");
  EXPECT_EQ(shown(name + "](]K\1aK\2a]K\3aK\4ae\x85R"), "{1: 2, 3: 4}") << "as Python 2 writes it";
  EXPECT_THAT(refused(name + "K\1\x85R"), HasSubstr("expected a list of pairs"));
  EXPECT_THAT(refused(name + "]K\1a\x85R"), HasSubstr("expected pairs of key and value"));
  EXPECT_THAT(refused("]}b"), HasSubstr("found a dictionary for a list"));
  EXPECT_THAT(refused(name + ")RNb"), HasSubstr("found None for a dictionary"));
}

// 1000 pairs in 4000 bytes; each further copy would need a few bytes only.
TEST(Pickle, AListOfPairsIsNotCopiedAgainAndAgain) {
  std::string list = "](";
  for (int i = 0; i < 1000; ++i) list += "K\1K\2\x86";
  list += "eq\1";
  std::string copies = "(";
  for (int i = 0; i < 1000; ++i) copies += pickled_name("collections OrderedDict") + "h\1\x85R";
  EXPECT_THAT(refused(list + copies + "t"), HasSubstr("expected each list of pairs once"));
}

TEST(Pickle, Memo) {
  EXPECT_EQ(shown("(]q\0K\1ah\0t"s), "([1], [1])");
  EXPECT_EQ(shown("(]q\1K\1ah\1t"), "([1], [1])") << "Python 2 counts from 1";
  EXPECT_EQ(shown("(]r\0\0\0\0j\0\0\0\0t"s), "([], [])");
  EXPECT_EQ(shown("(K\7\x94K\10\x94h\1h\0t"s), "(7, 8, 8, 7)");
  EXPECT_THAT(refused("Nq\2"), HasSubstr("BINPUT: expected at most number 1, found 2"));
  EXPECT_THAT(refused("Nr\xff\xff\xff\xff"), HasSubstr("LONG_BINPUT: expected at most number 1"));
  EXPECT_THAT(refused("(Nq\1h\0t"s), HasSubstr("BINGET: expected the number of a value before"));
  EXPECT_THAT(refused("h\5"), HasSubstr("found 5"));
  EXPECT_THAT(refused("q\0"s), HasSubstr("expected a value on the stack"));
}

TEST(Pickle, Protocols) {
  for (const char version : {'\2', '\3', '\4', '\5'})
    EXPECT_TRUE(parse("\x80"s + version + "N.").root().is(Kind::none));
  EXPECT_THAT(message_of([] { parse("\x80\1N."); }), HasSubstr("found protocol 1"));
  EXPECT_THAT(message_of([] { parse("\x80\6N."); }), HasSubstr("found protocol 6"));
  EXPECT_THAT(message_of([] { parse("(lp0\n."); }), HasSubstr("begins with PROTO, found MARK"));
  EXPECT_THAT(refused("\x80\2N"), HasSubstr("byte 2: PROTO"));
  // Protocol 4: frames, names on the stack.
  EXPECT_EQ(shown("\x95\2\0\0\0\0\0\0\0K\1"s), "1");
  EXPECT_EQ(shown("\x8c\5torch\x8c\7float32\x93"s), "torch.float32");
  EXPECT_THAT(refused("\x95\x09\0\0\0\0\0\0\0K\1"s),
              HasSubstr("FRAME needs 9 more bytes, found 3"));
  EXPECT_THAT(refused("K\1\x8c\7float32\x93"), HasSubstr("expected a string as the module"));
}

TEST(Pickle, Tensors) {
  const std::string bytes = kProtocol2 + pickled(TensorSpec{.offset = 2, .sizes = {2, 1}}) + ".";
  const Pickle pickle = parse(bytes);
  ASSERT_TRUE(pickle.root().is(Kind::tensor));
  const PickledTensor& tensor = pickle.tensor(pickle.root());
  EXPECT_EQ(tensor.type, ElementType::f32);
  EXPECT_EQ(tensor.offset, 2);
  EXPECT_EQ(show(pickle, tensor.sizes), "(2, 1)");
  ASSERT_EQ(pickle.storages().size(), 1U);
  EXPECT_EQ(pickle.content(pickle.storages()[0].key), "0");
  EXPECT_EQ(pickle.storages()[0].elements, 6);

  const std::string whole = pickled(TensorSpec{});
  const std::string hooks = pickled_name("collections OrderedDict") + ")R";
  EXPECT_EQ(
      shown(pickled_name("torch._utils _rebuild_parameter") + whole + "\x88" + hooks + "\x87R"),
      "tensor f32");
  EXPECT_EQ(
      shown(pickled_name("torch.nn.parameter Parameter") + whole + "\x85R(\x88\x89" + hooks + "tb"),
      "tensor f32");
  EXPECT_EQ(shown(pickled_name("torch Size") + "K\1K\2\x86\x85R"), "(1, 2)");
  EXPECT_EQ(shown(pickled_name("torch bfloat16")), "torch.bfloat16");
  const std::string untyped = "((" + pickled("storage") +
                              pickled_name("torch.storage UntypedStorage") + pickled("0") +
                              pickled("cpu") + "K\4tQK\0K\2\x85K\1\x85\x89"s + hooks;
  EXPECT_EQ(shown(pickled_name("torch._utils _rebuild_tensor_v3") + untyped +
                  pickled_name("torch int16") + "tR"),
            "tensor i16");
  EXPECT_EQ(shown(pickled_name("torch._utils _rebuild_tensor_v2") + untyped + "tR"), "tensor u8");
  EXPECT_THAT(refused(pickled_name("torch._utils _rebuild_tensor_v2") + untyped + "}" +
                      pickled("conj") + "\x88stR"),
              HasSubstr("found a conjugated or negated view"));
}

TEST(Pickle, WrongTensors) {
  const auto id = [](const std::string& parts) { return refused("(" + parts + "tQ"); };
  const std::string begin = pickled("storage") + pickled_name("torch FloatStorage");
  EXPECT_THAT(refused("NQ"), HasSubstr("expected a tuple that identifies a storage, found None"));
  EXPECT_THAT(id(""), HasSubstr("found an empty one"));
  EXPECT_THAT(id(pickled("module") + "NNN"), HasSubstr("BINPERSID stands for a whole module"));
  EXPECT_THAT(id(pickled("other") + "NNNN"), HasSubstr("expected a storage, found 'other'"));
  EXPECT_THAT(id(begin + "N"), HasSubstr("expected 5 or 6 values"));
  EXPECT_THAT(id(pickled("storage") + "NNNN"), HasSubstr("expected the class of a storage"));
  EXPECT_THAT(id(pickled("storage") + pickled_name("torch Size") + "NNN"),
              HasSubstr("expected the class of a storage, found torch.Size"));
  EXPECT_THAT(id(begin + "K\1NK\1"), HasSubstr("expected a string as the key"));
  EXPECT_THAT(id(begin + pickled("0") + "NN"), HasSubstr("expected an integer as the number"));
  EXPECT_THAT(id(begin + pickled("0") + "N" + pickled(-1)), HasSubstr("found -1"));
  for (const auto& [first, count] : {std::pair{-1, 1}, {0, 7}, {4, 3}, {7, 0}, {0, -1}})
    EXPECT_THAT(refused(pickled(
                    TensorSpec{.part = pickled("1") + pickled(first) + pickled(count) + "\x87"})),
                HasSubstr("expected a part of the storage's 6 elements"));
  EXPECT_THAT(refused(pickled(TensorSpec{.part = "K\1"})), HasSubstr("expected three values"));

  const auto call = [](const std::string& name, const std::string& arguments) {
    return refused(pickled_name(name) + "(" + arguments + "tR");
  };
  EXPECT_THAT(call("torch._utils _rebuild_tensor", "NNN"),
              HasSubstr("expected 6 arguments, found 3"));
  EXPECT_THAT(call("torch._utils _rebuild_tensor", "NNNN"),
              HasSubstr("expected a storage as the data, found None"));
  EXPECT_THAT(call("torch._utils _rebuild_parameter", "NNN"), HasSubstr("expected a tensor"));
  EXPECT_THAT(call("torch Size", "N"), HasSubstr("expected a tuple"));
  EXPECT_THAT(call("torch FloatStorage", ""), HasSubstr("would call a class"));
  EXPECT_THAT(refused("N)R"), HasSubstr("expected a function, found None"));
  EXPECT_THAT(refused(pickled_name("torch Size") + "NR"),
              HasSubstr("expected a tuple of arguments"));
}

// As pickle.dumps() writes an object whose __reduce__ returns (os.system, ("...",)).
TEST(Pickle, NothingIsCalled) {
  const TemporaryFolder folder;
  const std::filesystem::path witness = folder.path() / "witness";
  const std::string command = pickled("touch " + witness.string()) + "\x85R";
  EXPECT_THAT(
      refused(pickled_name("posix system") + command),
      testing::StartsWith("file: byte 2: GLOBAL posix.system is a class or function that is "
                          "not read; nothing is called"));
  EXPECT_THAT(refused("\x8c\5posix\x8c\6system\x93" + command),
              HasSubstr("STACK_GLOBAL posix.system is a class or function"));
  EXPECT_FALSE(std::filesystem::exists(witness));
  for (const char* name : {"os system",
                           "nt system",
                           "builtins eval",
                           "builtins exec",
                           "__builtin__ eval",
                           "builtins getattr",
                           "__builtin__ getattr",
                           "functools partial",
                           "operator attrgetter",
                           "argparse ArgumentParser",
                           "argparse Namespace.__init__",
                           "pathlib Path.unlink",
                           "torch.nn.modules.linear Linear",
                           "numpy.core.multiarray fromfile",
                           "numpy load",
                           "torch load",
                           "torch._utils _rebuild_tensor_v2.__globals__",
                           "torch Size.__new__",
                           "collections namedtuple",
                           "_codecs decode",
                           "builtins list.append"})
    EXPECT_THAT(refused(pickled_name(name)), HasSubstr("torch.save(model.state_dict()")) << name;
  for (const char* name :
       {"torch ComplexFloatStorage", "torch float8_e4m3fn", "torch QInt8Storage"})
    EXPECT_THAT(refused(pickled_name(name)), HasSubstr("expected elements of the types f64"))
        << name;
}

// As Python writes the objects in protocol 2, except that texts are not put into the memo.
TEST(Pickle, ObjectsOfSomeClassesAreSkipped) {
  const std::string options = pickled_name("argparse Namespace") + ")\x81";
  const std::string state = pickled_dictionary({{"lr", "G\x40\x04\0\0\0\0\0\0"s}});
  EXPECT_EQ(shown(options + state + "b"), "<argparse.Namespace>");
  const std::string bytes =
      pickled_name("_codecs encode") + pickled("\1") + pickled("latin1") + "\x86R";
  const auto type = [](const char* name) {
    return pickled_name("numpy dtype") + pickled(name) + "\x89\x88\x87R(K\3" + pickled("<") +
           "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s;
  };
  for (const std::string module : {"numpy.core.multiarray", "numpy._core.multiarray"}) {
    EXPECT_EQ(shown(pickled_name(module + " scalar") + type("f8") + bytes + "\x86R"),
              "<" + module + ".scalar>");
    EXPECT_EQ(shown(pickled_name(module + " _reconstruct") + pickled_name("numpy ndarray") +
                    "K\0\x85"s + bytes + "\x87R(K\1K\3\x85" + type("f8") + "\x89" + bytes + "tb"),
              "<" + module + "._reconstruct>");
  }
  EXPECT_EQ(shown(pickled_name("collections Counter") + "}K\1K\2s\x85R"), "<collections.Counter>");
  EXPECT_EQ(shown(pickled_name("pathlib PosixPath") + pickled("/") + pickled("a") + "\x86R"),
            "<pathlib.PosixPath>");
  EXPECT_EQ(
      shown("\x8c\x13torch.torch_version\x8c\x0cTorchVersion\x93" + pickled("2.15") + "\x85\x81"),
      "<torch.torch_version.TorchVersion>");
  EXPECT_EQ(shown(pickled_name("collections defaultdict") + pickled_name("__builtin__ list") +
                  "\x85RK\1]s"),
            "{1: []}");
}

TEST(Pickle, WhatObjectsContainIsParsedStrictly) {
  const std::string options = pickled_name("argparse Namespace");
  const std::string system = pickled_name("posix system") + pickled("true") + "\x85R";
  const std::string fault = "GLOBAL posix.system is a class or function";
  EXPECT_THAT(refused(options + ")\x81" + pickled_dictionary({{"a", system}}) + "b"),
              HasSubstr(fault));
  EXPECT_THAT(refused(options + system + "\x85R"), HasSubstr(fault));
  EXPECT_THAT(refused(options + system + "\x85\x81"), HasSubstr(fault));
  // An object is no function, and only classes of the list make objects.
  EXPECT_THAT(refused(options + ")\x81)R"), HasSubstr("expected a function, found an object of a"));
  EXPECT_THAT(refused(options + ")\x81)\x81"), HasSubstr("expected a class, found an object of a"));
  EXPECT_THAT(refused(options + "N\x81"), HasSubstr("expected a tuple of arguments, found None"));
  EXPECT_THAT(refused(options + ")\x81K\1K\2s"), HasSubstr("expected a dictionary on the stack"));
  EXPECT_THAT(refused(options + ")\x81K\1a"), HasSubstr("expected a list on the stack"));
  EXPECT_THAT(refused(options + "Nb"), HasSubstr("found None for a function or class"));
  EXPECT_THAT(refused(pickled_name("torch Size") + "K\1K\2\x86\x85\x81"),
              HasSubstr("NEWOBJ torch.Size would make an object"));
}

TEST(Pickle, EveryOtherOpcodeIsRefused) {
  const std::string known =
      "(.aeBGhJKMQqTXb})]cjrNRsuCUt\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x8d\x8e\x93\x94\x95";
  int count = 0;
  for (int byte = 0; byte < 256; ++byte) {
    if (known.find(static_cast<char>(byte)) != std::string::npos) continue;
    EXPECT_THAT(
        refused("NN" + std::string(1, static_cast<char>(byte)) + "0\n0\n"),
        HasSubstr(": byte 4: " + opcode_name(static_cast<uint8_t>(byte)) + " is not an opcode"));
    ++count;
  }
  EXPECT_EQ(count, 256 - static_cast<int>(known.size()));
  EXPECT_EQ(opcode_name('i'), "INST");
  EXPECT_EQ(opcode_name(0x92), "NEWOBJ_EX");
  EXPECT_EQ(opcode_name(0xff), "0xff");
}

TEST(Pickle, AMarkProtectsTheStack) {
  const std::vector<std::pair<const char*, const char*>> bodies = {{"K\1(\x85", "TUPLE1"},
                                                                   {"K\1K\2(K\3\x86", "TUPLE2"},
                                                                   {"](a", "APPEND"},
                                                                   {"](K\1a", "APPEND"},
                                                                   {"K\1}K\2(K\3s", "SETITEM"},
                                                                   {"}K\1K\2(s", "SETITEM"},
                                                                   {"N(q\1", "BINPUT"},
                                                                   {")(Q", "BINPERSID"},
                                                                   {"}}(b", "BUILD"},
                                                                   {"N)(\x81", "NEWOBJ"},
                                                                   {"N()\x81", "NEWOBJ"},
                                                                   {"}(}b", "BUILD"},
                                                                   {"N)(R", "REDUCE"},
                                                                   {"NN(\x93", "STACK_GLOBAL"},
                                                                   {"t", "TUPLE"},
                                                                   {"K\1e", "APPENDS"},
                                                                   {"](K\1K\2u", "SETITEMS"},
                                                                   {"}(K\1u", "SETITEMS"},
                                                                   {"(", "STOP"},
                                                                   {"NN", "STOP"},
                                                                   {"N(", "STOP"},
                                                                   {"", "STOP"}};
  for (const auto& [body, opcode] : bodies)
    EXPECT_THAT(refused(body), HasSubstr(concat(": ", opcode, ": expected "))) << body;
}

TEST(Pickle, TruncatedAnywhere) {
  const std::string bytes =
      kProtocol2 + pickled_dictionary({{"a", pickled(TensorSpec{})}, {"b", "G12345678"}}) + ".";
  parse(bytes);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THAT(message_of([&] { parse(bytes.substr(0, size)); }), testing::StartsWith("file: "))
        << size;
  EXPECT_THAT(message_of([&] { parse(bytes.substr(0, bytes.size() - 1)); }),
              HasSubstr("expected STOP at the end of the pickle"));
}

TEST(Pickle, LengthsAreComparedWithTheBytesThatAreLeft) {
  EXPECT_THAT(refused("X\xff\xff\xff\xff"),
              HasSubstr("byte 2: BINUNICODE needs 4294967295 more bytes, found 1"));
  EXPECT_THAT(refused("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
              HasSubstr("BINUNICODE8 needs 18446744073709551615 more bytes, found 1"));
  EXPECT_THAT(refused("\x8e\0\0\0\0\0\0\0\x80"s), HasSubstr("BINBYTES8 needs 9223372036854775808"));
  EXPECT_THAT(refused("c" + std::string(2000, 'x')), HasSubstr("expected a name of at most 1000"));
}

TEST(Pickle, Limits) {
  EXPECT_THAT(refused("(" + std::string((size_t{1} << 22) + 1, ']')),
              HasSubstr("at most 4194304 containers and tensors"));
  std::string many = "N";
  while (many.size() < size_t{1} << 25) many += "q\0q\0q\0q\0q\0q\0q\0q\0"s;
  EXPECT_THAT(refused(many), HasSubstr("at most 16777216 opcodes"));
  const auto large = [](uint64_t begin, std::span<uint8_t> out) {
    std::fill(out.begin(), out.end(), 'x');
    if (begin == 0) std::memcpy(out.data(), "\x80\2X\0\0\0\4", 7);
  };
  EXPECT_THAT(message_of([&] { Pickle("file", uint64_t{1} << 40, large); }),
              HasSubstr("a pickle has at most 67108864 bytes"));
}

// A pickle at the beginning of a large file is read without the rest.
TEST(Pickle, ReadsNoMoreThanItNeeds) {
  uint64_t most = 0;
  const Pickle pickle("file", uint64_t{1} << 40, [&](uint64_t begin, std::span<uint8_t> out) {
    std::fill(out.begin(), out.end(), 0);
    if (begin == 0) std::memcpy(out.data(), "\x80\2K\7.", 5);
    most = begin + out.size();
  });
  EXPECT_EQ(pickle.root().payload, 7);
  EXPECT_EQ(pickle.bytes(), 5U);
  EXPECT_LE(most, uint64_t{64} << 10);
}

}  // namespace
}  // namespace d2l::weights::test
