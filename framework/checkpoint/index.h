#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l {

// The table in front of a checkpoint file: where each piece's bytes lie and what their checksum is.
// docs/checkpoint-format.md describes it line by line.

enum class PieceKind { array, integer, real, text };

std::string to_string(PieceKind kind);

struct FilePiece {
  PieceKind kind = PieceKind::array;
  DType dtype = DType::f32;  // i64, f64 and u8 for an integer, a real and a text
  Shape shape;               // a text's is its length
  uint64_t offset = 0;       // from the file's beginning; 0 when there are no bytes
  uint64_t bytes = 0;
  uint64_t checksum = 0;
  std::string name;
};

struct FileIndex {
  uint64_t index_bytes = 0;  // a power of two, at least kSmallestIndex
  uint64_t file_bytes = 0;
  uint64_t structure = 0;         // checksum of all bytes behind the index that belong to no piece
  std::vector<FilePiece> pieces;  // by name, ascending
};

inline constexpr uint64_t kSmallestIndex = 512;
inline constexpr std::string_view kFirstLine = "d2l checkpoint 1\n";

// The room that the index of these pieces needs, wherever they come to lie.
uint64_t index_room(const std::vector<FilePiece>& pieces);

// Exactly index_bytes of text, padded with zeros.
std::string render_index(const FileIndex& index);

// How long the index of a file is that begins with `head` (at least kSmallestIndex bytes). Throws
// Error "index: ..." when that is not how a checkpoint begins.
uint64_t index_length(std::string_view head);

// Verifies the text's own checksum and everything that it says: names unique, sizes right, pieces
// inside the file and apart. Throws Error "index: ...".
FileIndex parse_index(std::string_view block);

// Positions of index.pieces in the order of their offsets, without empty ones.
std::vector<size_t> pieces_by_offset(const FileIndex& index);

// Throws Error when `name` cannot be a path inside the file.
void check_piece_name(const std::string& name);

}  // namespace d2l
