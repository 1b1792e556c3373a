#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

// A value in a pickle; the Pickle has the contents of texts and containers.
struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    big_integer,  // outside int64; its two's complement, little-endian, is the content()
    real,
    text,  // UTF-8, or what Python 2 wrote
    bytes,
    list,
    tuple,
    dictionary,
    storage,
    tensor,
    type,  // such as torch.float32
    function,
    object  // of a class that is not read; only the class's name is kept
  };

  Kind kind = Kind::none;
  uint32_t size = 0;  // bytes of a text, bytes or big integer
  // The boolean, integer, or bits of the real; else where the content is, or the index of the name
  // (see pickle_name() in pickle_names.h) of a type, function or object.
  int64_t payload = 0;

  bool is(Kind other) const { return kind == other; }
  double real() const;
};

std::string to_string(PickleValue::Kind kind);  // "a dictionary"

// A block of elements outside the pickle.
struct PickledStorage {
  PickleValue key;                     // a text
  ElementType type = ElementType::u8;  // u8 if the storage is untyped
  int64_t elements = 0;                // of the whole block
  int64_t begin = 0, end = 0;          // the part of the block that tensors may use
};

struct PickledTensor {
  size_t storage = 0;  // index in storages()
  ElementType type = ElementType::f32;
  int64_t offset = 0;          // in elements
  PickleValue sizes, strides;  // tuples; strides are in elements
};

// Reads one pickle that contains data only: None, booleans, numbers, strings, bytes, lists, tuples,
// dictionaries (also OrderedDict), and PyTorch's tensors, parameters, sizes and element types.
// Protocols 2 to 5 (Python's pickletools describe the opcodes). Nothing is imported or called: the
// names of the few functions that PyTorch writes are known and stand for tensors here. A few other
// names, such as argparse.Namespace and those of NumPy's scalars, stand for objects without
// content: their arguments and attributes are parsed by the same rules and dropped. Any other
// function or class is an Error with the opcode and its name.
//
// Memory and time are proportional to the bytes of the pickle. A pickle has at most 64 MiB, 2^24
// opcodes, and 2^22 lists, tuples, dictionaries, storages and tensors. Containers may share values
// and contain themselves, as in Python.
class Pickle {
 public:
  // Fills `out` with the bytes from `begin` after the beginning of the pickle.
  using Read = std::function<void(uint64_t begin, std::span<uint8_t> out)>;

  // Reads from at most `most` bytes. `label` begins the messages of errors: "model.pt: data.pkl".
  // Throws Error, also of `read`.
  Pickle(std::string label, uint64_t most, const Read& read);

  const PickleValue& root() const { return root_; }
  uint64_t bytes() const { return used_; }  // with the last opcode, STOP

  // The content of a text, bytes or big integer.
  std::string_view content(const PickleValue& value) const;
  // Of a list or tuple the values; of a dictionary key, value, key, value, ...
  const std::vector<PickleValue>& items(const PickleValue& container) const;
  const std::vector<PickledStorage>& storages() const { return storages_; }
  const PickledTensor& tensor(const PickleValue& value) const;

 private:
  friend class PickleReader;

  std::vector<uint8_t> loaded_;  // the bytes from the beginning that are in memory
  uint64_t used_ = 0;
  PickleValue root_;
  std::vector<std::vector<PickleValue>> containers_;
  std::vector<PickledStorage> storages_;
  std::vector<PickledTensor> tensors_;
};

}  // namespace d2l::weights
