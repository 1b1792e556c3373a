#include "framework/weights/pickle_names.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace d2l::weights {
namespace {

struct NamedByte {
  uint8_t byte;
  const char* name;
};

constexpr NamedByte kOpcodes[] = {{'(', "MARK"},
                                  {'.', "STOP"},
                                  {'0', "POP"},
                                  {'1', "POP_MARK"},
                                  {'2', "DUP"},
                                  {'F', "FLOAT"},
                                  {'I', "INT"},
                                  {'J', "BININT"},
                                  {'K', "BININT1"},
                                  {'L', "LONG"},
                                  {'M', "BININT2"},
                                  {'N', "NONE"},
                                  {'P', "PERSID"},
                                  {'Q', "BINPERSID"},
                                  {'R', "REDUCE"},
                                  {'S', "STRING"},
                                  {'T', "BINSTRING"},
                                  {'U', "SHORT_BINSTRING"},
                                  {'V', "UNICODE"},
                                  {'X', "BINUNICODE"},
                                  {'a', "APPEND"},
                                  {'b', "BUILD"},
                                  {'c', "GLOBAL"},
                                  {'d', "DICT"},
                                  {'}', "EMPTY_DICT"},
                                  {'e', "APPENDS"},
                                  {'g', "GET"},
                                  {'h', "BINGET"},
                                  {'i', "INST"},
                                  {'j', "LONG_BINGET"},
                                  {'l', "LIST"},
                                  {']', "EMPTY_LIST"},
                                  {'o', "OBJ"},
                                  {'p', "PUT"},
                                  {'q', "BINPUT"},
                                  {'r', "LONG_BINPUT"},
                                  {'s', "SETITEM"},
                                  {'t', "TUPLE"},
                                  {')', "EMPTY_TUPLE"},
                                  {'u', "SETITEMS"},
                                  {'G', "BINFLOAT"},
                                  {0x80, "PROTO"},
                                  {0x81, "NEWOBJ"},
                                  {0x82, "EXT1"},
                                  {0x83, "EXT2"},
                                  {0x84, "EXT4"},
                                  {0x85, "TUPLE1"},
                                  {0x86, "TUPLE2"},
                                  {0x87, "TUPLE3"},
                                  {0x88, "NEWTRUE"},
                                  {0x89, "NEWFALSE"},
                                  {0x8a, "LONG1"},
                                  {0x8b, "LONG4"},
                                  {'B', "BINBYTES"},
                                  {'C', "SHORT_BINBYTES"},
                                  {0x8c, "SHORT_BINUNICODE"},
                                  {0x8d, "BINUNICODE8"},
                                  {0x8e, "BINBYTES8"},
                                  {0x8f, "EMPTY_SET"},
                                  {0x90, "ADDITEMS"},
                                  {0x91, "FROZENSET"},
                                  {0x92, "NEWOBJ_EX"},
                                  {0x93, "STACK_GLOBAL"},
                                  {0x94, "MEMOIZE"},
                                  {0x95, "FRAME"},
                                  {0x96, "BYTEARRAY8"},
                                  {0x97, "NEXT_BUFFER"},
                                  {0x98, "READONLY_BUFFER"}};

constexpr PickleName kNames[] = {
    {"collections.OrderedDict", PickleRole::ordered_dictionary},
    {"torch._utils._rebuild_tensor", PickleRole::rebuild_tensor},
    {"torch._utils._rebuild_tensor_v2", PickleRole::rebuild_tensor},
    {"torch._utils._rebuild_tensor_v3", PickleRole::rebuild_typed},
    {"torch._utils._rebuild_parameter", PickleRole::rebuild_parameter},
    {"torch.nn.parameter.Parameter", PickleRole::parameter},
    {"torch.Size", PickleRole::size},
    {"torch.storage.UntypedStorage", PickleRole::storage},
    {"torch.storage.TypedStorage", PickleRole::storage},
    {"torch.DoubleStorage", PickleRole::storage, ElementType::f64},
    {"torch.FloatStorage", PickleRole::storage, ElementType::f32},
    {"torch.HalfStorage", PickleRole::storage, ElementType::f16},
    {"torch.BFloat16Storage", PickleRole::storage, ElementType::bf16},
    {"torch.LongStorage", PickleRole::storage, ElementType::i64},
    {"torch.IntStorage", PickleRole::storage, ElementType::i32},
    {"torch.ShortStorage", PickleRole::storage, ElementType::i16},
    {"torch.CharStorage", PickleRole::storage, ElementType::i8},
    {"torch.ByteStorage", PickleRole::storage, ElementType::u8},
    {"torch.BoolStorage", PickleRole::storage, ElementType::boolean},
    {"torch.float64", PickleRole::element_type, ElementType::f64},
    {"torch.float32", PickleRole::element_type, ElementType::f32},
    {"torch.float16", PickleRole::element_type, ElementType::f16},
    {"torch.bfloat16", PickleRole::element_type, ElementType::bf16},
    {"torch.int64", PickleRole::element_type, ElementType::i64},
    {"torch.int32", PickleRole::element_type, ElementType::i32},
    {"torch.int16", PickleRole::element_type, ElementType::i16},
    {"torch.int8", PickleRole::element_type, ElementType::i8},
    {"torch.uint8", PickleRole::element_type, ElementType::u8},
    {"torch.bool", PickleRole::element_type, ElementType::boolean},
    {"collections.defaultdict", PickleRole::default_dictionary},
    {"argparse.Namespace", PickleRole::opaque},
    {"collections.Counter", PickleRole::opaque},
    {"numpy.core.multiarray.scalar", PickleRole::opaque},
    {"numpy._core.multiarray.scalar", PickleRole::opaque},
    {"numpy.core.multiarray._reconstruct", PickleRole::opaque},
    {"numpy._core.multiarray._reconstruct", PickleRole::opaque},
    {"numpy.core.numeric._frombuffer", PickleRole::opaque},
    {"numpy._core.numeric._frombuffer", PickleRole::opaque},
    {"numpy.dtype", PickleRole::opaque},
    {"numpy.ndarray", PickleRole::opaque},
    {"_codecs.encode", PickleRole::opaque},  // the bytes of an array or scalar, in protocol 2
    {"pathlib.Path", PickleRole::opaque},
    {"pathlib.PosixPath", PickleRole::opaque},
    {"pathlib.WindowsPath", PickleRole::opaque},
    {"pathlib.PurePosixPath", PickleRole::opaque},
    {"pathlib.PureWindowsPath", PickleRole::opaque},
    {"pathlib._local.PosixPath", PickleRole::opaque},  // Python 3.13
    {"pathlib._local.WindowsPath", PickleRole::opaque},
    {"torch.device", PickleRole::opaque},
    {"torch.torch_version.TorchVersion", PickleRole::opaque},
    // What a defaultdict or the options of a script name. Python 2's module is __builtin__.
    {"builtins.dict", PickleRole::opaque},
    {"builtins.float", PickleRole::opaque},
    {"builtins.int", PickleRole::opaque},
    {"builtins.list", PickleRole::opaque},
    {"builtins.set", PickleRole::opaque},
    {"__builtin__.dict", PickleRole::opaque},
    {"__builtin__.float", PickleRole::opaque},
    {"__builtin__.int", PickleRole::opaque},
    {"__builtin__.list", PickleRole::opaque},
    {"__builtin__.set", PickleRole::opaque},
};

// Beginnings of names.
constexpr std::string_view kOtherTypes[] = {
    "torch.Complex", "torch.complex", "torch.bcomplex", "torch.QInt",    "torch.QUInt",
    "torch.qint",    "torch.quint",   "torch.float8_",  "torch.float4_", "torch.uint16",
    "torch.uint32",  "torch.uint64",  "torch.bits"};

}  // namespace

std::string opcode_name(uint8_t byte) {
  const auto found = std::find_if(std::begin(kOpcodes), std::end(kOpcodes),
                                  [&](const NamedByte& opcode) { return opcode.byte == byte; });
  if (found != std::end(kOpcodes)) return found->name;
  constexpr std::string_view kDigits = "0123456789abcdef";
  return std::string("0x") + kDigits[byte >> 4] + kDigits[byte & 15];
}

int find_pickle_name(std::string_view name) {
  const auto found = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const PickleName& known) { return known.name == name; });
  return found == std::end(kNames) ? -1 : static_cast<int>(found - std::begin(kNames));
}

const PickleName& pickle_name(int index) { return kNames[index]; }

bool is_other_element_type(std::string_view name) {
  return std::any_of(std::begin(kOtherTypes), std::end(kOtherTypes),
                     [&](std::string_view begin) { return name.starts_with(begin); });
}

}  // namespace d2l::weights
