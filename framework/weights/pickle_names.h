#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

// The opcodes of pickles that contain data only.
enum class Opcode : uint8_t {
  mark = '(',
  stop = '.',
  append = 'a',
  appends = 'e',
  bin_bytes = 'B',
  bin_bytes8 = 0x8e,
  bin_float = 'G',
  bin_get = 'h',
  bin_int = 'J',
  bin_int1 = 'K',
  bin_int2 = 'M',
  bin_persistent_id = 'Q',
  bin_put = 'q',
  bin_string = 'T',
  bin_unicode = 'X',
  bin_unicode8 = 0x8d,
  build = 'b',
  empty_dictionary = '}',
  empty_list = ']',
  empty_tuple = ')',
  frame = 0x95,
  global = 'c',
  long1 = 0x8a,
  long_bin_get = 'j',
  long_bin_put = 'r',
  memoize = 0x94,
  new_false = 0x89,
  new_object = 0x81,
  new_true = 0x88,
  none = 'N',
  protocol = 0x80,
  reduce = 'R',
  set_item = 's',
  set_items = 'u',
  short_bin_bytes = 'C',
  short_bin_string = 'U',
  short_bin_unicode = 0x8c,
  stack_global = 0x93,
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87
};

// The name of any opcode in Python's pickletools: "BINPERSID"; "0xff" for a byte that is none.
std::string opcode_name(uint8_t byte);

// What the classes and functions are that a pickle of tensors names. `opaque` ones make objects
// that training scripts often store beside the weights: options, scalars, paths. Such an object
// stands for itself; what it contains is dropped.
enum class PickleRole {
  ordered_dictionary,  // collections.OrderedDict
  rebuild_tensor,      // torch._utils._rebuild_tensor, and _v2
  rebuild_typed,       // torch._utils._rebuild_tensor_v3
  rebuild_parameter,   // torch._utils._rebuild_parameter
  parameter,           // torch.nn.parameter.Parameter, before PyTorch 0.4
  size,                // torch.Size
  storage,             // torch.FloatStorage
  element_type,        // torch.float32
  default_dictionary,  // collections.defaultdict
  opaque               // argparse.Namespace
};

struct PickleName {
  std::string_view name;
  PickleRole role;
  ElementType type = ElementType::u8;
};

// Index for pickle_name(), or -1 if the name is none of them.
int find_pickle_name(std::string_view name);
const PickleName& pickle_name(int index);

// Whether the name is one of PyTorch's element types or storages that ElementType lacks.
bool is_other_element_type(std::string_view name);

}  // namespace d2l::weights
