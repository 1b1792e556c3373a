#include "framework/checkpoint/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/checkpoint/hdf5_frame.h"
#include "framework/checkpoint/index.h"

namespace d2l {
namespace {

constexpr size_t kLargestTransfer = size_t{1} << 30;  // Linux moves at most 2 GiB in one call

// An open file. Every error names its path.
class File {
 public:
  File(std::filesystem::path path, int flags, const char* action)
      : path_(std::move(path)), action_(action), descriptor_(open_regular_file(path_, flags)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write(const void* data, size_t bytes) {
    const int error = write_all(descriptor_, data, bytes);
    if (error != 0) fail_with(error, complaint());
  }
  // Returns the number of bytes read, fewer than `bytes` only at the file's end.
  size_t read(void* data, size_t bytes) {
    char* at = static_cast<char*>(data);
    size_t done = 0;
    while (done < bytes) {
      ssize_t count = ::read(descriptor_, at + done, std::min(bytes - done, kLargestTransfer));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_with(errno, complaint());
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }
  uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail_with(errno, complaint());
    return static_cast<uint64_t>(status.st_size);
  }
  // Some file systems report a full disk only here.
  void close() {
    int result = ::close(descriptor_);
    descriptor_ = -1;
    if (result != 0) fail_with(errno, complaint());
  }

 private:
  std::string complaint() const { return concat("cannot ", action_, " ", path_.string()); }

  std::filesystem::path path_;
  const char* action_;
  int descriptor_;
};

struct Parts {
  std::vector<FilePiece> pieces;  // by name
  std::vector<const void*> data;  // the bytes of each
};

// All four kinds of pieces as one list.
Parts parts_of(const Snapshot& snapshot) {
  struct Part {
    FilePiece piece;
    const void* data;
  };
  std::vector<Part> parts;
  auto add = [&](PieceKind kind, const std::string& name, DType dtype, const Shape& shape,
                 std::span<const uint8_t> bytes) {
    check_piece_name(name);
    parts.push_back(
        {{kind, dtype, shape, 0, bytes.size(), checksum(bytes.data(), bytes.size()), name},
         bytes.data()});
  };
  auto raw = [](const void* data, size_t bytes) {
    return std::span(static_cast<const uint8_t*>(data), bytes);
  };
  for (const auto& [name, array] : snapshot.arrays) {
    size_t expected = static_cast<size_t>(array.shape.elements()) * size_of(array.dtype);
    check(array.bytes.size() == expected, name, ": ", to_string(array.dtype), " ", array.shape,
          " has ", expected, " bytes, found ", array.bytes.size());
    add(PieceKind::array, name, array.dtype, array.shape, array.bytes);
  }
  for (const auto& [name, value] : snapshot.integers)
    add(PieceKind::integer, name, DType::i64, {}, raw(&value, sizeof value));
  for (const auto& [name, value] : snapshot.reals)
    add(PieceKind::real, name, DType::f64, {}, raw(&value, sizeof value));
  for (const auto& [name, text] : snapshot.texts)
    add(PieceKind::text, name, DType::u8, Shape{static_cast<int64_t>(text.size())},
        raw(text.data(), text.size()));
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.piece.name < b.piece.name; });
  Parts result;
  for (Part& part : parts) {
    check(result.pieces.empty() || result.pieces.back().name != part.piece.name, "two entries are ",
          "named ", part.piece.name);
    result.data.push_back(part.data);
    result.pieces.push_back(std::move(part.piece));
  }
  return result;
}

// The bytes outside the pieces of a file, in order: before the first piece by offset, before the
// second, ..., after the last.
std::vector<std::vector<uint8_t>> structure_of(const Hdf5Frame& frame, const FileIndex& index,
                                               const std::vector<size_t>& order) {
  std::vector<std::vector<uint8_t>> parts;
  uint64_t at = index.index_bytes;
  for (size_t position : order) {
    const FilePiece& piece = index.pieces[position];
    check(piece.offset >= at && piece.offset <= index.file_bytes &&
              piece.bytes <= index.file_bytes - piece.offset,
          "HDF5 placed ", piece.name, " at ", piece.offset, ", where it has no room");
    parts.push_back(frame.part(at, piece.offset));
    at = piece.offset + piece.bytes;
  }
  parts.push_back(frame.part(at, index.file_bytes));
  return parts;
}

uint64_t structure_checksum(const std::vector<std::vector<uint8_t>>& parts) {
  std::vector<uint8_t> structure;
  for (const std::vector<uint8_t>& part : parts)
    structure.insert(structure.end(), part.begin(), part.end());
  return checksum(structure.data(), structure.size());
}

void write_file(const std::filesystem::path& path, const Snapshot& snapshot,
                const std::function<void()>& before_rename) {
  Parts parts = parts_of(snapshot);
  FileIndex index;
  index.index_bytes = required_index_bytes(parts.pieces);
  const Hdf5Frame frame(parts.pieces, index.index_bytes);
  index.file_bytes = frame.file_bytes();
  index.pieces = std::move(parts.pieces);
  const std::vector<size_t> order = pieces_by_offset(index);
  const std::vector<std::vector<uint8_t>> structure = structure_of(frame, index, order);
  index.structure = structure_checksum(structure);
  const std::string block = render_index(index);
  const auto write = [&](const std::filesystem::path& temporary) {
    File file(temporary, O_WRONLY | O_CREAT | O_EXCL, "write");
    file.write(block.data(), block.size());
    for (size_t i = 0; i < order.size(); ++i) {
      file.write(structure[i].data(), structure[i].size());
      file.write(parts.data[order[i]], index.pieces[order[i]].bytes);
    }
    file.write(structure.back().data(), structure.back().size());
    file.close();
  };
  replace_file(path, write, before_rename);
}

// --- reading; the messages below get the prefix "damaged checkpoint PATH: " ---

// `block`: the bytes read so far, the first of the file.
FileIndex read_index(File& file, uint64_t file_bytes, std::string block) {
  check(block.size() == kSmallestIndex, "cut off: expected at least ", kSmallestIndex,
        " bytes, found ", block.size());
  uint64_t length = index_length(block);
  check(length <= file_bytes, "cut off: its index should have ", length, " bytes, the file has ",
        file_bytes);
  size_t begun = block.size();
  block.resize(length);
  size_t count = file.read(block.data() + begun, length - begun);
  check(begun + count == length, "cut off at byte ", begun + count);
  FileIndex index = parse_index(block);
  check(index.file_bytes == file_bytes,
        index.file_bytes > file_bytes ? "cut off" : "something was appended", ": expected ",
        index.file_bytes, " bytes, found ", file_bytes);
  return index;
}

// Appends a complaint when the checksums differ.
void compare(const std::string& name, uint64_t expected, uint64_t found,
             std::vector<std::string>& damages) {
  if (expected == found) return;
  damages.push_back(concat(name, ": checksum: expected ", checksum_text(expected), ", found ",
                           checksum_text(found)));
}

void keep(const FilePiece& piece, std::vector<uint8_t> bytes, Snapshot& snapshot) {
  switch (piece.kind) {
    case PieceKind::array:
      snapshot.arrays[piece.name] = {piece.dtype, piece.shape, std::move(bytes)};
      return;
    case PieceKind::integer:
      std::memcpy(&snapshot.integers[piece.name], bytes.data(), sizeof(int64_t));
      return;
    case PieceKind::real:
      std::memcpy(&snapshot.reals[piece.name], bytes.data(), sizeof(double));
      return;
    case PieceKind::text:
      snapshot.texts[piece.name].assign(bytes.begin(), bytes.end());
      return;
  }
}

// Reads front to back. Each byte belongs to the index, to one piece or to the structure, so each is
// verified exactly once.
Snapshot read_pieces(File& file, const FileIndex& index) {
  Snapshot snapshot;
  std::vector<std::string> damages;
  std::vector<uint8_t> structure;
  uint64_t at = index.index_bytes;
  auto read_structure = [&](uint64_t end) {
    size_t known = structure.size();
    structure.resize(known + (end - at));
    size_t count = file.read(structure.data() + known, end - at);
    check(count == end - at, "cut off at byte ", at + count);
  };
  for (size_t position : pieces_by_offset(index)) {
    const FilePiece& piece = index.pieces[position];
    read_structure(piece.offset);
    std::vector<uint8_t> bytes(piece.bytes);
    size_t count = file.read(bytes.data(), bytes.size());
    check(count == bytes.size(), piece.name, ": cut off after ", count, " of ", bytes.size(),
          " bytes");
    at = piece.offset + piece.bytes;
    compare(piece.name, piece.checksum, checksum(bytes.data(), bytes.size()), damages);
    keep(piece, std::move(bytes), snapshot);
  }
  read_structure(index.file_bytes);
  compare("HDF5 structure around the data", index.structure,
          checksum(structure.data(), structure.size()), damages);
  for (const FilePiece& piece : index.pieces)
    if (piece.bytes == 0) keep(piece, {}, snapshot);
  if (damages.size() > 4) {
    size_t more = damages.size() - 3;
    damages.resize(3);
    damages.push_back(concat("and ", more, " more"));
  }
  check(damages.empty(), join(damages, "; "));
  return snapshot;
}

// Whether a file begins nearly like a checkpoint: then it is a damaged checkpoint, not another kind
// of file.
bool resembles_checkpoint(const std::string& head) {
  size_t compared = std::min(head.size(), kFirstLine.size());
  size_t same = 0;
  for (size_t i = 0; i < compared; ++i) same += head[i] == kFirstLine[i];
  return same + 3 >= compared;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Snapshot& snapshot,
                      const std::function<void()>& before_rename) {
  try {
    write_file(path, snapshot, before_rename);
  } catch (const std::bad_alloc&) {
    fail("cannot write ", path.string(), ": not enough memory");
  } catch (const NoRoomError&) {
    throw;
  } catch (const Error& error) {
    std::string text = error.what();
    bool named = text.find(path.string()) != std::string::npos;
    fail(named ? "" : concat("cannot write ", path.string(), ": "), text);
  }
}

uint64_t checkpoint_bytes(const Snapshot& snapshot) {
  Parts parts = parts_of(snapshot);
  return Hdf5Frame(parts.pieces, required_index_bytes(parts.pieces)).file_bytes();
}

Snapshot read_checkpoint(const std::filesystem::path& path) {
  File file(path, O_RDONLY, "read");
  uint64_t bytes = file.size();
  std::string head(kSmallestIndex, '\0');
  head.resize(file.read(head.data(), head.size()));
  check(!head.empty(), "damaged checkpoint ", path.string(), ": it is empty");
  check(resembles_checkpoint(head), "not a d2l checkpoint: ", path.string(),
        " does not begin with the line '", kFirstLine.substr(0, kFirstLine.size() - 1), "'");
  try {
    return read_pieces(file, read_index(file, bytes, std::move(head)));
  } catch (const std::bad_alloc&) {
    fail("cannot read ", path.string(), ": not enough memory for ", human_bytes(bytes));
  } catch (const Error& error) {
    std::string text = error.what();
    bool plain = text.rfind("cannot read ", 0) == 0;
    fail(plain ? "" : concat("damaged checkpoint ", path.string(), ": "), text);
  }
}

}  // namespace d2l
