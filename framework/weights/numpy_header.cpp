#include "framework/weights/numpy_header.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "framework/base/error.h"
#include "framework/weights/byte_reader.h"

namespace d2l::weights {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMostHeader = uint64_t{1} << 20;  // bytes; NumPy writes a few hundred at most

constexpr std::pair<std::string_view, ElementType> kTypes[] = {
    {"f8", ElementType::f64}, {"f4", ElementType::f32}, {"f2", ElementType::f16},
    {"i8", ElementType::i64}, {"i4", ElementType::i32}, {"i2", ElementType::i16},
    {"i1", ElementType::i8},  {"u1", ElementType::u8},  {"b1", ElementType::boolean}};

// What NumPy's letters for types mean, for messages.
const char* meaning_of(char letter) {
  switch (letter) {
    case 'O':
      return "Python objects";
    case 'S':
    case 'a':
    case 'U':
      return "texts";
    case 'c':
      return "complex numbers";
    case 'V':
      return "structures or a type of another library";
    case 'M':
    case 'm':
      return "dates or durations";
    default:
      return "another type";
  }
}

// Parses the header's Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}
class DictionaryParser {
 public:
  DictionaryParser(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  NumpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      parse_item();
      if (accept('}')) break;
      expect(',');
    }
    skip_blanks();
    check(at_ == text_.size(), place_, ": found more after the dictionary of the NumPy header");
    for (const char* needed : {"descr", "fortran_order", "shape"})
      check(keys_.count(needed) == 1, place_, ": the NumPy header has no ", needed);
    return header_;
  }

 private:
  void parse_item() {
    const std::string key = parse_text();
    check(keys_.insert(key).second, place_, ": the key '", key, "' is twice in the NumPy header");
    expect(':');
    if (key == "descr")
      parse_type();
    else if (key == "fortran_order")
      header_.fortran_order = parse_bool();
    else if (key == "shape")
      parse_shape();
    else
      fail(place_, ": found the key '", key,
           "' in the NumPy header, expected descr, fortran_order and shape");
  }

  void parse_type() {
    check(!accept('['), place_, ": the elements are structures, expected numbers");
    const std::string text = parse_text();
    const bool has_order = !text.empty() && std::string_view("<>|").find(text[0]) != text.npos;
    const std::string name = has_order ? text.substr(1) : "";
    const auto* const known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                           [&](const auto& type) { return type.first == name; });
    const bool is_known =
        known != std::end(kTypes) && (text[0] != '|' || size_of(known->second) == 1);
    check(is_known, place_, ": the elements have NumPy's type '", text, "' (",
          meaning_of(name.empty() ? '?' : name[0]),
          "), expected f2, f4, f8, i1, i2, i4, i8, u1 or ", "b1 with a byte order");
    header_.type = known->second;
    header_.big_endian = text[0] == '>';
  }

  bool parse_bool() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair{"True", true}, std::pair{"False", false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += std::string_view(word).size();
        return value;
      }
    fail_here("True or False");
  }

  void parse_shape() {
    expect('(');
    bool has_comma = true;
    while (!accept(')')) {
      if (!has_comma) fail_here("',' or ')'");
      check(header_.shape.rank() < Shape::kMaxRank, place_, ": the array has more than ",
            int{Shape::kMaxRank}, " axes");
      header_.shape.append(parse_size());
      has_comma = accept(',');
    }
    check(header_.shape.rank() != 1 || has_comma, place_,
          ": the shape of the NumPy header is not a tuple");
  }

  int64_t parse_size() {
    constexpr int64_t kMost = int64_t{1} << 40;
    skip_blanks();
    const size_t begin = at_;
    int64_t size = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      size = size * 10 + (text_[at_] - '0');
      check(size <= kMost, place_, ": the array has an axis of more than 2^40 elements");
    }
    if (at_ == begin) fail_here("a size");
    accept('L');  // Python 2 writes it
    return size;
  }

  std::string parse_text() {
    constexpr size_t kMostLetters = 64;
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail_here("a text in quotes");
    const size_t end = text_.find(quote, at_ + 1);
    const size_t escape = text_.find('\\', at_ + 1);
    if (end == text_.npos || escape < end) fail_here("a text in quotes without a backslash");
    if (end - at_ > kMostLetters) fail_here("a short text");
    std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return text;
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool accept(char letter) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }
  void expect(char letter) {
    if (!accept(letter)) fail_here(concat("'", letter, "'"));
  }

  [[noreturn]] void fail_here(const std::string& expected) const {
    fail(place_, ": expected ", expected, " in the NumPy header, found ",
         at_ == text_.size() ? "its end" : concat("'", text_.substr(at_, 16), "'"));
  }

  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
  std::set<std::string> keys_;
  NumpyHeader header_;
};

// The bytes before the dictionary: the magic text, the version and the length.
uint64_t prefix_bytes(int version) { return version == 1 ? 10 : 12; }

int version_of(std::span<const uint8_t> start, const std::string& place) {
  check(start.size() >= kMagic.size() + 2, place, ": expected an array in NumPy's format, found ",
        start.size(), " bytes");
  const std::string_view magic(reinterpret_cast<const char*>(start.data()), kMagic.size());
  check(magic == kMagic, place, ": expected an array in NumPy's format, found other bytes");
  const int version = start[kMagic.size()], minor = start[kMagic.size() + 1];
  check(version >= 1 && version <= 3 && minor == 0, place, ": has version ", version, ".", minor,
        " of NumPy's format, expected 1.0, 2.0 or 3.0");
  return version;
}

}  // namespace

uint64_t numpy_header_bytes(std::span<const uint8_t> start, const std::string& place) {
  const int version = version_of(start, place);
  ByteReader reader(start, concat(place, ": the NumPy header is cut off"));
  reader.skip(kMagic.size() + 2);
  const uint64_t length =
      version == 1 ? reader.number<uint16_t>() : uint64_t{reader.number<uint32_t>()};
  check(length <= kMostHeader, place, ": the NumPy header has ", length,
        " bytes, expected at most ", kMostHeader);
  return prefix_bytes(version) + length;
}

NumpyHeader parse_numpy_header(std::span<const uint8_t> header, const std::string& place) {
  const std::span<const uint8_t> text = header.subspan(prefix_bytes(version_of(header, place)));
  return DictionaryParser({reinterpret_cast<const char*>(text.data()), text.size()}, place).parse();
}

}  // namespace d2l::weights
