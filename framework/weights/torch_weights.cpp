#include "framework/weights/torch_weights.h"

#include <algorithm>
#include <charconv>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/weights/pickle_names.h"

namespace d2l::weights {
namespace {

using Kind = PickleValue::Kind;

constexpr int kMostDepth = 64;
constexpr size_t kShownItems = 16;
// A view can repeat elements (stride 0), so that an array is larger than its file.
constexpr int64_t kMostRepeated = int64_t{1} << 24;

std::string real_text(double number) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), number).ptr;
  return {text, end};
}

// Hexadecimal two's complement of little-endian bytes: "0x1950a8..".
std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (size_t i = bytes.size(); i-- > 0;) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string list_text(const std::vector<int64_t>& numbers) {
  std::vector<std::string> texts(numbers.size());
  std::transform(numbers.begin(), numbers.end(), texts.begin(),
                 [](int64_t number) { return std::to_string(number); });
  return "[" + join(texts, ", ") + "]";
}

std::string_view class_of(const PickleValue& object) {
  return pickle_name(static_cast<int>(object.payload)).name;
}

bool is_container(const PickleValue& value) {
  return value.is(Kind::list) || value.is(Kind::tuple) || value.is(Kind::dictionary);
}

bool is_scalar(const PickleValue& value) {
  return !is_container(value) && !value.is(Kind::tensor) && !value.is(Kind::storage) &&
         !value.is(Kind::function);
}

}  // namespace

// Visits all values of a pickle. Shared values are visited each time, so the work is limited by
// the size of the pickle.
class TorchWeights::Walk {
 public:
  Walk(TorchWeights& file, const Pickle& pickle, const std::string& name_of_pickle)
      : file_(file),
        pickle_(pickle),
        place_(file.path().string() + ": " + name_of_pickle),
        budget_(kCostPerByte * (pickle.bytes() + kSmallPickle)) {}

  void visit(const PickleValue& value, const std::string& name, int depth) {
    spend(1);
    check(depth <= kMostDepth, place_, ": dictionaries and lists are nested deeper than ",
          kMostDepth, " levels at '", name.substr(0, kMostShown), "'");
    if (value.is(Kind::dictionary)) {
      visit_dictionary(value, name, depth);
    } else if (is_container(value)) {
      visit_list(value, name, depth);
    } else if (value.is(Kind::tensor)) {
      spend(name.size() + kCostOfArray);
      add_tensor(pickle_.tensor(value), name);
    } else {
      check(is_scalar(value), place_, ": expected a tensor, number or string as '", name,
            "', found ", to_string(value.kind));
      note_object(value, name);
      add_text(name, scalar_text(value));
    }
  }

  // Objects that are not read may have contained the weights.
  void check_content() const {
    check(!file_.weights().empty() || object_name_.empty(), place_,
          ": expected tensors, found none outside of objects such as '", object_name_,
          "', an object of ", object_class_, ", which are not read");
  }

 private:
  static constexpr uint64_t kCostPerByte = 64, kSmallPickle = 16 << 10, kCostOfArray = 64;
  static constexpr size_t kMostShown = 200, kMostName = 1000;

  void spend(uint64_t cost) {
    check(cost <= budget_, place_, ": the names and texts of its ", pickle_.bytes(),
          " bytes need too much memory: the same values appear again and again");
    budget_ -= cost;
  }

  void note_object(const PickleValue& value, const std::string& name) {
    if (!value.is(Kind::object) || !object_name_.empty()) return;
    object_name_ = name;
    object_class_ = class_of(value);
  }

  void visit_dictionary(const PickleValue& value, const std::string& name, int depth) {
    const auto& items = pickle_.items(value);
    for (size_t i = 0; i < items.size(); i += 2)
      visit(items[i + 1], joined(name, key_text(items[i], name)), depth + 1);
  }

  // Numbers and strings become one text.
  void visit_list(const PickleValue& value, const std::string& name, int depth) {
    const auto& items = pickle_.items(value);
    spend(items.size());
    if (!std::all_of(items.begin(), items.end(), is_scalar)) {
      for (size_t i = 0; i < items.size(); ++i)
        visit(items[i], joined(name, std::to_string(i)), depth + 1);
      return;
    }
    for (const PickleValue& item : items) note_object(item, name);
    std::vector<std::string> texts;
    for (size_t i = 0; i < std::min(items.size(), kShownItems); ++i)
      texts.push_back(scalar_text(items[i]));
    if (items.size() > kShownItems) texts.push_back(concat("... (", items.size(), " values)"));
    add_text(name, "[" + join(texts, ", ") + "]");
  }

  std::string key_text(const PickleValue& key, const std::string& name) const {
    if (key.is(Kind::integer)) return std::to_string(key.payload);
    check(key.is(Kind::text), place_, ": expected strings or integers as keys of '", name,
          "', found ", to_string(key.kind));
    return std::string(pickle_.content(key).substr(0, kMostName + 1));
  }

  std::string joined(const std::string& name, const std::string& key) const {
    std::string all = name.empty() ? key : name + "." + key;
    check(all.size() <= kMostName, place_, ": expected names of at most ", kMostName,
          " bytes, found '", all.substr(0, kMostShown), "...'");
    check(visible(all) == all, place_, ": expected names in UTF-8 without control characters, ",
          "found '", all, "'");
    return all;
  }

  std::string scalar_text(const PickleValue& value) {
    spend(value.size);
    switch (value.kind) {
      case Kind::boolean:
        return value.payload != 0 ? "True" : "False";
      case Kind::integer:
        return std::to_string(value.payload);
      case Kind::big_integer:
        return hexadecimal(pickle_.content(value));
      case Kind::real:
        return real_text(value.real());
      case Kind::text:
        return visible(std::string(pickle_.content(value)));
      case Kind::bytes:
        return concat(value.size, " bytes");
      case Kind::type:
        return std::string(pickle_name(static_cast<int>(value.payload)).name);
      case Kind::object:
        return concat("an object of ", class_of(value));
      default:
        return "None";
    }
  }

  void add_text(const std::string& name, std::string text) {
    spend(name.size() + kCostOfArray);
    file_.add_text(name, std::move(text));
  }

  std::vector<int64_t> integers(const PickleValue& tuple, const std::string& name) const {
    std::vector<int64_t> numbers;
    const auto& items = pickle_.items(tuple);
    check(items.size() <= Shape::kMaxRank, place_, ": '", name, "' has ", items.size(),
          " axes, expected at most ", Shape::kMaxRank);
    for (const PickleValue& item : items) {
      check(item.is(Kind::integer), place_, ": expected integers as sizes and strides of '", name,
            "', found ", to_string(item.kind));
      numbers.push_back(item.payload);
    }
    return numbers;
  }

  void add_tensor(const PickledTensor& tensor, const std::string& name) {
    const std::vector<int64_t> sizes = integers(tensor.sizes, name);
    const std::vector<int64_t> strides = integers(tensor.strides, name);
    check(sizes.size() == strides.size(), place_, ": '", name, "' has ", sizes.size(),
          " sizes, but ", strides.size(), " strides");
    Array array;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      check(sizes[axis] >= 0, place_, ": '", name, "' has the size ", sizes[axis],
            ", expected at least 0");
      array.view.sizes.append(sizes[axis]);
      array.view.strides[axis] = strides[axis];
    }
    array.view.offset = tensor.offset;
    array.storage = tensor.storage;
    array.element_bytes = size_of(tensor.type);
    file_.add({name, tensor.type, array.view.sizes});  // checks the number of elements

    const PickledStorage& storage = pickle_.storages()[tensor.storage];
    const auto unit = static_cast<int64_t>(size_of(storage.type));
    const int64_t room =
        (storage.end - storage.begin) * unit / static_cast<int64_t>(array.element_bytes);
    const auto range = range_of(array.view);
    check(range && range->begin >= 0 && range->end <= room, place_, ": '", name, "' of shape ",
          array.view.sizes, " with strides ", list_text(strides), " from element ", tensor.offset,
          " on is not inside its storage of ", room, " elements");
    check(array.view.sizes.elements() <= std::max(room, kMostRepeated), place_, ": '", name,
          "' of shape ", array.view.sizes, " repeats the elements of a storage of only ", room);
    array.begin = static_cast<uint64_t>(storage.begin * unit +
                                        range->begin * static_cast<int64_t>(array.element_bytes));
    file_.arrays_.push_back(array);
  }

  TorchWeights& file_;
  const Pickle& pickle_;
  const std::string place_;
  uint64_t budget_;
  std::string object_name_;  // of the first object that is not read
  std::string_view object_class_;
};

void TorchWeights::add_pickle(const Pickle& pickle, const std::string& name_of_pickle) {
  check(pickle.root().is(Kind::dictionary), path().string(), ": ", name_of_pickle,
        ": expected a dictionary of tensors, found ", to_string(pickle.root().kind));
  Walk walk(*this, pickle, name_of_pickle);
  walk.visit(pickle.root(), "", 0);
  walk.check_content();
}

std::vector<uint8_t> TorchWeights::read_bytes(size_t index) const {
  const Array& array = arrays_[index];
  const ElementRange range = range_of(array.view).value();
  const uint64_t count = static_cast<uint64_t>(range.end - range.begin) * array.element_bytes;
  std::vector<uint8_t> block = read_storage(array.storage, array.begin, count);
  return is_contiguous(array.view) ? block : gather(array.view, block, array.element_bytes);
}

}  // namespace d2l::weights
