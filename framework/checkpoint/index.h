#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l {

// The table at the beginning of a checkpoint file: offset and checksum of each piece.
// docs/checkpoint-format.md describes it line by line.

enum class PieceKind { array, integer, real, text };

std::string to_string(PieceKind kind);

struct FilePiece {
  PieceKind kind = PieceKind::array;
  DType dtype = DType::f32;  // i64 for an integer, f64 for a real, u8 for a text
  Shape shape;               // of a text: its length
  uint64_t offset = 0;       // from the file's beginning; 0 if `bytes` is 0
  uint64_t bytes = 0;
  uint64_t checksum = 0;
  std::string name;
};

struct FileIndex {
  uint64_t index_bytes = 0;  // a power of two, at least kSmallestIndex
  uint64_t file_bytes = 0;
  uint64_t structure = 0;         // checksum of the bytes after the index outside all pieces
  std::vector<FilePiece> pieces;  // sorted by name
};

inline constexpr uint64_t kSmallestIndex = 512;
inline constexpr std::string_view kFirstLine = "d2l checkpoint 1\n";

// The index_bytes that the index of these pieces needs, for any offsets: a power of two.
uint64_t required_index_bytes(const std::vector<FilePiece>& pieces);

// The index as text of exactly index_bytes, padded with zeros. Throws Error if it does not fit.
std::string render_index(const FileIndex& index);

// The index_bytes of a file that begins with `head` (at least kSmallestIndex bytes). Throws Error
// "index: ..." if no checkpoint begins like this.
uint64_t index_length(std::string_view head);

// Parses and verifies the index: its checksum, unique names in order, sizes that fit the shapes,
// and pieces inside the file without overlaps. Throws Error "index: ...".
FileIndex parse_index(std::string_view block);

// Positions in index.pieces, sorted by offset, without empty pieces.
std::vector<size_t> pieces_by_offset(const FileIndex& index);

// Throws Error if `name` is not a valid path inside the file.
void check_piece_name(const std::string& name);

}  // namespace d2l
