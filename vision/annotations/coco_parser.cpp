#include "vision/annotations/coco_parser.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "framework/base/error.h"

namespace d2l::vision {
namespace {

using nlohmann::json;

// The keys that are read. In each list, the first ones are needed.
constexpr std::array<std::string_view, 3> kLists{"images", "categories", "annotations"};
struct ListKeys {
  std::vector<std::string_view> names;
  size_t needed;
};
const std::array<ListKeys, 3>& list_keys() {
  static const std::array<ListKeys, 3> kKeys{
      {{{"id", "file_name", "width", "height"}, 4},
       {{"id", "name"}, 2},
       {{"image_id", "category_id", "bbox", "area", "iscrowd"}, 3}}};
  return kKeys;
}

// Receives the tokens of the file one after the other.
class CocoParser final : public nlohmann::json_sax<json> {
 public:
  explicit CocoParser(const std::string& file) : file_(file) {}

  CocoContent take() {
    for (size_t i = 0; i < kLists.size(); ++i)
      check(seen_lists_[i], file_, ": expected a list '", kLists[i], "', found none");
    return std::move(content_);
  }

  bool start_object(size_t /*elements*/) override {
    if (skipped_ > 0 || skips_value()) return skip_level();
    if (place_ == Place::outside)
      place_ = Place::root;
    else if (place_ == Place::list)
      begin_entry();
    else
      refuse("an object");
    return true;
  }

  bool end_object() override {
    if (leaves_skipped()) return true;
    if (place_ == Place::entry) end_entry();
    place_ = place_ == Place::entry ? Place::list : Place::outside;
    return true;
  }

  bool start_array(size_t /*elements*/) override {
    if (skipped_ > 0 || skips_value()) return skip_level();
    if (place_ == Place::root)
      place_ = Place::list;
    else if (place_ == Place::entry && key_name() == "bbox")
      place_ = Place::box;
    else
      refuse("a list");
    return true;
  }

  bool end_array() override {
    if (leaves_skipped()) return true;
    if (place_ == Place::box) {
      check(numbers_ == 4, place(), ": expected bbox to have 4 numbers, found ", numbers_);
      place_ = Place::entry;
    } else {
      place_ = Place::root;
    }
    return true;
  }

  bool key(std::string& key) override {
    if (skipped_ > 0) return true;
    if (place_ == Place::root) {
      const auto* const found = std::find(kLists.begin(), kLists.end(), key);
      known_ = found != kLists.end();
      if (!known_) return true;
      list_ = static_cast<size_t>(found - kLists.begin());
      check(!seen_lists_[list_], file_, ": expected one list '", key, "', found two");
      seen_lists_[list_] = true;
      index_ = 0;
      return true;
    }
    const std::vector<std::string_view>& names = list_keys()[list_].names;
    const auto found = std::find(names.begin(), names.end(), key);
    known_ = found != names.end();
    if (!known_) return true;
    key_ = static_cast<size_t>(found - names.begin());
    check((seen_keys_ >> key_ & 1U) == 0, place(), ": expected one '", key, "', found two");
    seen_keys_ |= 1U << key_;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (skipped_ > 0 || skips_value()) return true;
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (number <= kMost) return whole(static_cast<int64_t>(number));
    return fraction(static_cast<double>(number), std::to_string(number));
  }
  bool number_integer(number_integer_t number) override {
    return skipped_ > 0 || skips_value() || whole(number);
  }
  bool number_float(number_float_t number, const string_t& text) override {
    return skipped_ > 0 || skips_value() || fraction(number, text);
  }

  bool string(std::string& text) override {
    if (skipped_ > 0 || skips_value()) return true;
    const bool is_name = key_name() == "file_name" || key_name() == "name";
    if (place_ != Place::entry || !is_name) refuse("a text");
    (list_ == 0 ? content_.images.back().name : content_.categories.back().name) = text;
    return true;
  }

  bool null() override { return skipped_ > 0 || skips_value() || refuse("null"); }
  bool boolean(bool value) override {
    if (skipped_ > 0 || skips_value()) return true;
    if (place_ == Place::entry && key_name() == "iscrowd") return whole(value ? 1 : 0);
    return refuse(value ? "true" : "false");
  }
  bool binary(binary_t& /*bytes*/) override { return refuse("bytes"); }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    fail(file_, ": expected a JSON file, found an error at byte ", position);
  }

 private:
  enum class Place { outside, root, list, entry, box };

  // Values of other keys are skipped with all that they contain.
  bool skips_value() const { return !known_ && (place_ == Place::root || place_ == Place::entry); }
  bool skip_level() {
    ++skipped_;
    return true;
  }
  bool leaves_skipped() {
    if (skipped_ == 0) return false;
    --skipped_;
    return true;
  }

  std::string_view key_name() const {
    return place_ == Place::entry || place_ == Place::box ? list_keys()[list_].names[key_] : "";
  }

  std::string place() const {
    if (place_ == Place::outside || place_ == Place::root) return file_;
    return concat(file_, ": entry ", index_, " of ", kLists[list_]);
  }

  bool refuse(const std::string& found) const {
    switch (place_) {
      case Place::outside:
        fail(file_, ": expected an object with lists of images, categories and annotations, found ",
             found);
      case Place::root:
        fail(file_, ": expected '", kLists[list_], "' to be a list, found ", found);
      case Place::list:
        fail(file_, ": expected objects in '", kLists[list_], "', found ", found);
      case Place::entry:
      case Place::box:
        break;
    }
    const char* expected = key_name() == "bbox"                                ? "4 numbers"
                           : key_name() == "area"                              ? "a number"
                           : key_name() == "iscrowd"                           ? "0 or 1"
                           : key_name() == "file_name" || key_name() == "name" ? "a text"
                                                                               : "a whole number";
    fail(place(), ": expected ", key_name(), " to be ", expected, ", found ", found);
  }

  void begin_entry() {
    place_ = Place::entry;
    ++index_;
    seen_keys_ = 0;
    numbers_ = 0;
    known_ = false;
    if (list_ == 0) content_.images.emplace_back();
    if (list_ == 1) content_.categories.emplace_back();
    if (list_ == 2) content_.annotations.emplace_back();
  }

  void end_entry() const {
    const ListKeys& keys = list_keys()[list_];
    for (size_t i = 0; i < keys.needed; ++i)
      check((seen_keys_ >> i & 1U) != 0, place(), ": expected the key '", keys.names[i],
            "', found none");
  }

  bool whole(int64_t number) {
    if (place_ == Place::box || key_name() == "area")
      return fraction(static_cast<double>(number), std::to_string(number));
    int64_t* const target = target_of_whole();
    const bool is_crowd = key_name() == "iscrowd" && (number == 0 || number == 1);
    if (target == nullptr && !is_crowd) return refuse(concat("the number ", number));
    if (target != nullptr)
      *target = number;
    else
      content_.annotations.back().crowd = number == 1;
    return true;
  }

  int64_t* target_of_whole() {
    const std::string_view name = key_name();
    if (name == "id")
      return list_ == 0 ? &content_.images.back().id : &content_.categories.back().id;
    if (name == "width") return &content_.images.back().width;
    if (name == "height") return &content_.images.back().height;
    if (name == "image_id") return &content_.annotations.back().image;
    if (name == "category_id") return &content_.annotations.back().category;
    return nullptr;
  }

  bool fraction(double number, const std::string& text) {
    if (place_ == Place::box) {
      check(numbers_ < 4, place(), ": expected bbox to have 4 numbers, found more");
      content_.annotations.back().box[numbers_++] = number;
      return true;
    }
    if (place_ != Place::entry || key_name() != "area")
      return refuse(concat("the number ", text.substr(0, 40)));
    content_.annotations.back().area = number;
    return true;
  }

  const std::string& file_;
  CocoContent content_;
  Place place_ = Place::outside;
  uint64_t skipped_ = 0;  // depth inside of a value that is skipped
  std::array<bool, kLists.size()> seen_lists_{};
  size_t list_ = 0;         // in which list
  uint64_t index_ = 0;      // of the entry, from 1
  uint32_t seen_keys_ = 0;  // of the entry; one bit each
  bool known_ = true;       // whether the last key is one that is read
  size_t key_ = 0;          // which one
  size_t numbers_ = 0;      // of the box
};

}  // namespace

CocoContent parse_coco_content(std::string_view json_text, const std::string& file) {
  CocoParser parser(file);
  json::sax_parse(json_text.begin(), json_text.end(), &parser);
  return parser.take();
}

}  // namespace d2l::vision
