#include "framework/checkpoint/index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>

#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
constexpr std::array<const char*, 4> kKinds = {"array", "integer", "real", "text"};

std::string render_text(const FileIndex& index) {
  std::string text(kFirstLine);
  text += concat("index ", index.index_bytes, "\nfile ", index.file_bytes, "\npieces ",
                 index.pieces.size(), "\nstructure ", checksum_text(index.structure), "\n");
  for (const FilePiece& piece : index.pieces) {
    std::string sizes = piece.shape.to_string();
    std::erase(sizes, ' ');
    text +=
        concat(to_string(piece.kind), " ", to_string(piece.dtype), " ", sizes, " ", piece.offset,
               " ", piece.bytes, " ", checksum_text(piece.checksum), " ", piece.name, "\n");
  }
  text += concat("end ", checksum_text(checksum(text.data(), text.size())), "\n");
  return text;
}

// Reads lines, words and numbers from the front of a text.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  int line() const { return line_; }

  std::string_view until(char end) {
    size_t length = rest_.find(end);
    check(length != std::string_view::npos, "index: line ", line_, " is cut off");
    std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    if (end == '\n') ++line_;
    return word;
  }
  uint64_t number(char end, int base = 10) {
    int at = line_;
    std::string_view word = until(end);
    uint64_t value = 0;
    auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    check(error == std::errc() && stop == word.data() + word.size(), "index: line ", at,
          " has no number where one is expected");
    return value;
  }
  void keyword(std::string_view expected) {
    check(rest_.substr(0, expected.size()) == expected, "index: line ", line_,
          " does not begin with '", expected, "'");
    rest_.remove_prefix(expected.size());
  }

 private:
  std::string_view rest_;
  int line_ = 1;
};

Shape parse_shape(std::string_view text, int line) {
  check(text.size() >= 2 && text.front() == '[' && text.back() == ']', "index: line ", line,
        " has no shape");
  Shape shape;
  if (text.size() == 2) return shape;
  Parser sizes(text.substr(1));
  size_t count = static_cast<size_t>(std::count(text.begin(), text.end(), ',')) + 1;
  check(count <= Shape::kMaxRank, "index: line ", line, " has more than ", Shape::kMaxRank,
        " axes");
  for (size_t axis = 0; axis < count; ++axis) {
    uint64_t size = sizes.number(axis + 1 < count ? ',' : ']');
    check(size <= kLargest / 2, "index: line ", line, " has an axis of ", size, " elements");
    shape.append(static_cast<int64_t>(size));
  }
  return shape;
}

// shape.elements() * size_of(dtype), or kLargest if that overflows.
uint64_t bytes_of(const Shape& shape, DType dtype) {
  uint64_t bytes = size_of(dtype);
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  for (int64_t size : shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return kLargest;
  return bytes;
}

FilePiece parse_piece(Parser& parser) {
  int line = parser.line();
  FilePiece piece;
  std::string_view kind = parser.until(' ');
  auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  check(found != kKinds.end(), "index: line ", line, " is of an unknown kind");
  piece.kind = static_cast<PieceKind>(found - kKinds.begin());
  piece.dtype = dtype_from(std::string(parser.until(' ')));
  piece.shape = parse_shape(parser.until(' '), line);
  piece.offset = parser.number(' ');
  piece.bytes = parser.number(' ');
  piece.checksum = parser.number(' ', 16);
  piece.name = parser.until('\n');
  check_piece_name(piece.name);
  check(piece.bytes == bytes_of(piece.shape, piece.dtype), "index: ", piece.name, " has ",
        piece.bytes, " bytes, which does not fit its shape ", piece.shape);
  bool scalar = piece.shape.rank() == 0;
  bool consistent =
      piece.kind == PieceKind::array ||
      (piece.kind == PieceKind::integer && piece.dtype == DType::i64 && scalar) ||
      (piece.kind == PieceKind::real && piece.dtype == DType::f64 && scalar) ||
      (piece.kind == PieceKind::text && piece.dtype == DType::u8 && piece.shape.rank() == 1);
  check(consistent, "index: ", piece.name, " cannot be ", to_string(piece.dtype), " ", piece.shape);
  return piece;
}

void check_layout(const FileIndex& index) {
  for (size_t i = 1; i < index.pieces.size(); ++i)
    check(index.pieces[i - 1].name < index.pieces[i].name, "index: ", index.pieces[i].name,
          " is not in the order of names");
  uint64_t free_from = index.index_bytes;
  check(index.file_bytes >= free_from, "index: the file is shorter than its index");
  for (size_t position : pieces_by_offset(index)) {
    const FilePiece& piece = index.pieces[position];
    check(piece.offset >= free_from && piece.offset <= index.file_bytes &&
              piece.bytes <= index.file_bytes - piece.offset,
          "index: ", piece.name, " is outside the file or overlaps another entry");
    free_from = piece.offset + piece.bytes;
  }
}

}  // namespace

std::string to_string(PieceKind kind) { return kKinds[static_cast<size_t>(kind)]; }

uint64_t required_index_bytes(const std::vector<FilePiece>& pieces) {
  FileIndex largest{kLargest, kLargest, kLargest, pieces};
  for (FilePiece& piece : largest.pieces) piece.offset = kLargest;
  return std::max(kSmallestIndex, std::bit_ceil(render_text(largest).size()));
}

std::string render_index(const FileIndex& index) {
  std::string text = render_text(index);
  check(text.size() <= index.index_bytes, "index: ", text.size(), " bytes do not fit into ",
        index.index_bytes);
  text.resize(index.index_bytes, '\0');
  return text;
}

uint64_t index_length(std::string_view head) {
  Parser parser(head.substr(0, kSmallestIndex));
  parser.keyword(kFirstLine.substr(0, kFirstLine.size() - 1));
  parser.until('\n');
  parser.keyword("index ");
  uint64_t length = parser.number('\n');
  check(length >= kSmallestIndex && std::has_single_bit(length),
        "index: its length should be a power of two from ", kSmallestIndex, ", found ", length);
  return length;
}

FileIndex parse_index(std::string_view block) {
  size_t last = block.find_last_not_of('\0');
  std::string_view text = block.substr(0, last == std::string_view::npos ? 0 : last + 1);
  constexpr size_t kEndLine = 4 + 16 + 1;
  check(text.size() > kEndLine && text.substr(text.size() - kEndLine, 4) == "end ",
        "index: expected a line 'end CHECKSUM' and zeros after it, found byte ", text.size(),
        " as the last one that is not zero");
  std::string_view body = text.substr(0, text.size() - kEndLine);
  std::string expected(text.substr(text.size() - kEndLine + 4, 16));
  std::string found = checksum_text(checksum(body.data(), body.size()));
  check(expected == found, "index: checksum: expected ", expected, ", found ", found);

  Parser parser(body);
  FileIndex index;
  index.index_bytes = block.size();
  parser.until('\n');
  parser.until('\n');
  parser.keyword("file ");
  index.file_bytes = parser.number('\n');
  parser.keyword("pieces ");
  uint64_t count = parser.number('\n');
  parser.keyword("structure ");
  index.structure = parser.number('\n', 16);
  while (!parser.done()) index.pieces.push_back(parse_piece(parser));
  check(index.pieces.size() == count, "index: expected ", count, " entries, found ",
        index.pieces.size());
  check(render_text(index) == text, "index: its format differs from what d2l writes");
  check_layout(index);
  return index;
}

std::vector<size_t> pieces_by_offset(const FileIndex& index) {
  std::vector<size_t> order;
  for (size_t i = 0; i < index.pieces.size(); ++i)
    if (index.pieces[i].bytes > 0) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return index.pieces[a].offset < index.pieces[b].offset; });
  return order;
}

void check_piece_name(const std::string& name) {
  constexpr size_t kLongest = 1024;
  check(!name.empty() && name.size() <= kLongest, "the name of an entry has 1 to ", kLongest,
        " bytes, found ", name.size());
  bool printable = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<uint8_t>(c) >= ' ' && c != '\x7f';
  });
  check(printable, "the name of an entry must not contain control characters");
  for (size_t begin = 0; begin <= name.size();) {
    size_t end = std::min(name.find('/', begin), name.size());
    std::string part = name.substr(begin, end - begin);
    check(!part.empty() && part != "." && part != "..", "the name of an entry, '", name,
          "', is not a path: no part may be empty, '.' or '..'");
    begin = end + 1;
  }
}

}  // namespace d2l
