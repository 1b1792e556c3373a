// What the names in a pickle of PyTorch stand for.
#include "framework/weights/pickle_reader.h"

namespace d2l::weights {
namespace {

constexpr const char* kAdvice =
    "; nothing is called, and only tensors, dictionaries, lists, numbers and strings are read. In "
    "PyTorch, save the tensors alone: torch.save(model.state_dict(), \"weights.pt\")";

}  // namespace

std::string_view PickleReader::text_of(const PickleValue& value, const char* what) const {
  expect(value.is(Kind::text), ": expected a string as the ", what, ", found ",
         to_string(value.kind));
  return pickle_.content(value);
}

int64_t PickleReader::integer_of(const PickleValue& value, const char* what) const {
  expect(value.is(Kind::integer), ": expected an integer as the ", what, ", found ",
         to_string(value.kind));
  return value.payload;
}

void PickleReader::push_name(const std::string& name) {
  const int index = find_pickle_name(name);
  if (index < 0) {
    expect(!is_other_element_type(name), " ", name,
           ": expected elements of the types f64, f32, f16, bf16, i64, i32, i16, i8, u8 and bool");
    refuse(" ", name, " is a class or function that is not read", kAdvice);
  }
  const bool is_type = pickle_name(index).role == PickleRole::element_type;
  push(is_type ? Kind::type : Kind::function, index);
}

void PickleReader::push_stack_name() {
  const auto names = pop_last(2);
  const std::string_view module = text_of(names[0], "module");
  const std::string_view name = text_of(names[1], "name");
  push_name(concat(module, ".", name));
}

// ("storage", class, key, device, elements), in older files also None or (key of the part, first
// element, elements of the part).
void PickleReader::push_storage() {
  const PickleValue id = pop("an identifier");
  expect(id.is(Kind::tuple), ": expected a tuple that identifies a storage, found ",
         to_string(id.kind));
  const auto& parts = pickle_.items(id);
  expect(!parts.empty(), ": expected a tuple that identifies a storage, found an empty one");
  const std::string_view what = text_of(parts[0], "kind of the identifier");
  if (what == "module") refuse(" stands for a whole module", kAdvice);
  expect(what == "storage", ": expected a storage, found '", what, "'");
  expect(parts.size() == 5 || parts.size() == 6,
         ": expected 5 or 6 values that identify a storage, ", "found ", parts.size());
  expect(parts[1].is(Kind::function), ": expected the class of a storage, found ",
         to_string(parts[1].kind));
  const PickleName& storage_class = pickle_name(static_cast<int>(parts[1].payload));
  expect(storage_class.role == PickleRole::storage, ": expected the class of a storage, found ",
         storage_class.name);
  text_of(parts[2], "key of a storage");
  const int64_t elements = integer_of(parts[4], "number of elements");
  PickledStorage storage{parts[2], storage_class.type, elements, 0, elements};
  expect(elements >= 0, ": expected a number of elements, found ", elements);
  if (parts.size() == 6 && !parts[5].is(Kind::none)) {
    expect(parts[5].is(Kind::tuple) && pickle_.items(parts[5]).size() == 3,
           ": expected three values as the part of a storage");
    const auto& part = pickle_.items(parts[5]);
    storage.begin = integer_of(part[1], "beginning of a part");
    const int64_t part_elements = integer_of(part[2], "number of elements");
    expect(storage.begin >= 0 && storage.begin <= elements && part_elements >= 0 &&
               part_elements <= elements - storage.begin,
           ": expected a part of the storage's ", elements, " elements, found ", part_elements,
           " from element ", storage.begin);
    storage.end = storage.begin + part_elements;
  }
  count_object();
  push(Kind::storage, static_cast<int64_t>(pickle_.storages_.size()));
  pickle_.storages_.push_back(storage);
}

void PickleReader::reduce() {
  const PickleValue arguments_value = pop("arguments");
  const PickleValue function_value = pop("a function");
  expect(function_value.is(Kind::function), ": expected a function, found ",
         to_string(function_value.kind));
  const PickleName& function = pickle_name(static_cast<int>(function_value.payload));
  expect(arguments_value.is(Kind::tuple), " ", function.name,
         ": expected a tuple of arguments, found ", to_string(arguments_value.kind));
  const auto& arguments = pickle_.items(arguments_value);
  switch (function.role) {
    case PickleRole::ordered_dictionary:
      return reduce_ordered_dictionary(arguments);
    case PickleRole::rebuild_tensor:
    case PickleRole::rebuild_typed:
      return reduce_tensor(function, arguments);
    case PickleRole::rebuild_parameter:
    case PickleRole::parameter:
      return reduce_parameter(function, arguments);
    case PickleRole::size:
      expect(arguments.size() == 1 && arguments[0].is(Kind::tuple), " ", function.name,
             ": expected a tuple");
      return push(arguments[0]);
    case PickleRole::storage:
    case PickleRole::element_type:
      refuse(" ", function.name, " would call a class", kAdvice);
    case PickleRole::default_dictionary:  // the argument makes values for other keys
      return push_container(Kind::dictionary, {});
    case PickleRole::opaque:
      return push(Kind::object, function_value.payload);
  }
}

// A class and its arguments, as for REDUCE; only objects without content are made in this way.
void PickleReader::new_object() {
  const PickleValue arguments = pop("arguments");
  const PickleValue class_value = pop("a class");
  expect(class_value.is(Kind::function), ": expected a class, found ", to_string(class_value.kind));
  const PickleName& name = pickle_name(static_cast<int>(class_value.payload));
  expect(arguments.is(Kind::tuple), " ", name.name, ": expected a tuple of arguments, found ",
         to_string(arguments.kind));
  if (name.role != PickleRole::opaque) refuse(" ", name.name, " would make an object", kAdvice);
  push(Kind::object, class_value.payload);
}

// Without arguments; from Python 2 with a list of pairs.
void PickleReader::reduce_ordered_dictionary(const std::vector<PickleValue>& arguments) {
  std::vector<PickleValue> items;
  const auto is_sequence = [](const PickleValue& value) {
    return value.is(Kind::list) || value.is(Kind::tuple);
  };
  if (!arguments.empty()) {
    expect(arguments.size() == 1 && is_sequence(arguments[0]),
           " collections.OrderedDict: expected a list of pairs");
    const auto& pairs = pickle_.items(arguments[0]);
    // A list that is copied again and again could need far more memory than the pickle has.
    copied_ += pairs.size();
    expect(copied_ <= at_, " collections.OrderedDict: expected each list of pairs once");
    for (const PickleValue& pair : pairs) {
      expect(is_sequence(pair) && pickle_.items(pair).size() == 2,
             " collections.OrderedDict: expected pairs of key and value");
      const auto& values = pickle_.items(pair);
      items.insert(items.end(), values.begin(), values.end());
    }
  }
  push_container(Kind::dictionary, std::move(items));
}

// (storage, offset, sizes, strides), then whether a gradient is needed and hooks; with types also
// the element type; perhaps at last a dictionary of flags.
void PickleReader::reduce_tensor(const PickleName& function,
                                 const std::vector<PickleValue>& arguments) {
  const bool is_typed = function.role == PickleRole::rebuild_typed;
  const size_t all = is_typed ? 7 : 6;
  const size_t count = arguments.size();
  expect(count == all || count == all + 1 || (!is_typed && count == 4), " ", function.name,
         ": expected ", all, " arguments, found ", count);
  const auto require = [&](size_t index, Kind kind, const char* what) {
    expect(arguments[index].is(kind), " ", function.name, ": expected ", to_string(kind),
           " as the ", what, ", found ", to_string(arguments[index].kind));
    return arguments[index];
  };
  PickledTensor tensor;
  tensor.storage = static_cast<size_t>(require(0, Kind::storage, "data").payload);
  tensor.offset = require(1, Kind::integer, "offset").payload;
  tensor.sizes = require(2, Kind::tuple, "sizes");
  tensor.strides = require(3, Kind::tuple, "strides");
  tensor.type = pickle_.storages_[tensor.storage].type;
  if (is_typed) {
    const PickleValue type = require(6, Kind::type, "element type");
    tensor.type = pickle_name(static_cast<int>(type.payload)).type;
  }
  if (count == all + 1 && !arguments[all].is(Kind::none)) {
    const PickleValue flags = require(all, Kind::dictionary, "flags");
    expect(pickle_.items(flags).empty(), " ", function.name,
           ": expected no flags, found a conjugated or negated view");
  }
  count_object();
  push(Kind::tensor, static_cast<int64_t>(pickle_.tensors_.size()));
  pickle_.tensors_.push_back(tensor);
}

void PickleReader::reduce_parameter(const PickleName& function,
                                    const std::vector<PickleValue>& arguments) {
  expect(!arguments.empty() && arguments.size() <= 3 && arguments[0].is(Kind::tensor), " ",
         function.name, ": expected a tensor");
  push(arguments[0]);
}

// The attributes that an OrderedDict has besides its items (PyTorch writes _metadata), the state of
// a Parameter before PyTorch 0.4, and that of an object whose content is dropped. None of them
// changes the data.
void PickleReader::build() {
  const PickleValue state = pop("a state");
  expect(stack_.size() > floor(), ": expected an object on the stack, found nothing");
  const Kind kind = stack_.back().kind;
  if (kind == Kind::object) return;
  expect((kind == Kind::dictionary && state.is(Kind::dictionary)) ||
             (kind == Kind::tensor && state.is(Kind::tuple)),
         ": expected the attributes of a dictionary or parameter, found ", to_string(state.kind),
         " for ", to_string(kind));
}

}  // namespace d2l::weights
