#include "framework/checkpoint/hdf5_frame.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "framework/base/error.h"
#include "framework/hdf5/libhdf5.h"

namespace d2l {

using libhdf5::Handle;

namespace {

void check_hdf5(herr_t result, const std::string& action) {
  if (result < 0) fail("HDF5 cannot ", action, ": ", libhdf5::reason());
}

Handle make(hid_t id, herr_t (*closer)(hid_t), const std::string& what) {
  Handle handle(id, closer);
  if (!handle.valid()) fail("HDF5 cannot make ", what, ": ", libhdf5::reason());
  return handle;
}

void close(Handle& handle, const std::string& what) {
  if (!handle.close()) fail("HDF5 cannot close ", what, ": ", libhdf5::reason());
}

// The memory of HDF5's core driver; it outlives the HDF5 file. It ends at the last written byte or
// a little later.
struct Memory {
  uint8_t* data = nullptr;
  size_t size = 0;
};

H5FD_file_image_callbacks_t keep_in(Memory& memory) {
  H5FD_file_image_callbacks_t calls{};
  calls.image_malloc = [](size_t, H5FD_file_image_op_t, void*) -> void* { return nullptr; };
  calls.image_memcpy = [](void* to, const void* from, size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  };
  calls.image_realloc = [](void*, size_t size, H5FD_file_image_op_t, void* user) -> void* {
    Memory& kept = *static_cast<Memory*>(user);
    auto* grown = static_cast<uint8_t*>(std::realloc(kept.data, size));
    if (!grown) return nullptr;
    if (size > kept.size) std::memset(grown + kept.size, 0, size - kept.size);
    kept = {grown, size};
    return grown;
  };
  calls.image_free = [](void*, H5FD_file_image_op_t, void*) { return herr_t{0}; };
  calls.udata_copy = [](void* user) { return user; };
  calls.udata_free = [](void*) { return herr_t{0}; };
  calls.udata = &memory;
  return calls;
}

// Property lists for reproducible files (no timestamps, no compression, no holes) that allocate
// each dataset's space at creation, without filling it.
struct Properties {
  Handle group = make(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "a property list");
  Handle dataset = make(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "a property list");
  Handle link = make(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "a property list");

  Properties() {
    check_hdf5(H5Pset_obj_track_times(group.id(), false), "leave out times");
    check_hdf5(H5Pset_obj_track_times(dataset.id(), false), "leave out times");
    check_hdf5(H5Pset_layout(dataset.id(), H5D_CONTIGUOUS), "lay out contiguously");
    check_hdf5(H5Pset_alloc_time(dataset.id(), H5D_ALLOC_TIME_EARLY), "allocate early");
    check_hdf5(H5Pset_fill_time(dataset.id(), H5D_FILL_TIME_NEVER), "leave out filling");
    check_hdf5(H5Pset_char_encoding(link.id(), H5T_CSET_UTF8), "name in UTF-8");
  }
};

// HDF5's own structures are contiguous and before the elements, as far as room_bytes suffice.
Handle create_file(Memory& memory, uint64_t index_bytes, uint64_t room_bytes) {
  const Handle access = make(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "a property list");
  check_hdf5(H5Pset_fapl_core(access.id(), index_bytes + room_bytes, false), "write to memory");
  check_hdf5(H5Pset_meta_block_size(access.id(), room_bytes), "keep together what it writes");
  H5FD_file_image_callbacks_t calls = keep_in(memory);
  check_hdf5(H5Pset_file_image_callbacks(access.id(), &calls), "write to memory");
  check_hdf5(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V18),
             "choose its version");
  const Handle creation = make(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "a property list");
  check_hdf5(H5Pset_userblock(creation.id(), index_bytes), "leave room for the index");
  check_hdf5(H5Pset_obj_track_times(creation.id(), false), "leave out times");
  return make(H5Fcreate("d2l checkpoint", H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose,
              "a file");
}

hid_t hdf5_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return H5T_IEEE_F32LE;
    case DType::f64:
      return H5T_IEEE_F64LE;
    case DType::i32:
      return H5T_STD_I32LE;
    case DType::i64:
      return H5T_STD_I64LE;
    case DType::u8:
      return H5T_STD_U8LE;
    case DType::bf16:
    case DType::f16:
      break;  // activations are not state
  }
  fail("checkpoints hold no arrays of ", to_string(dtype));
}

Handle space_of(const FilePiece& piece) {
  if (piece.kind == PieceKind::text)
    return make(H5Screate(piece.bytes > 0 ? H5S_SCALAR : H5S_NULL), H5Sclose, "a data space");
  if (piece.shape.rank() == 0) return make(H5Screate(H5S_SCALAR), H5Sclose, "a data space");
  std::vector<hsize_t> sizes(piece.shape.begin(), piece.shape.end());
  return make(H5Screate_simple(piece.shape.rank(), sizes.data(), nullptr), H5Sclose,
              "a data space");
}

// Creates the parent groups of `name`; `groups` are those that exist already.
void create_groups(hid_t file, const std::string& name, const Properties& properties,
                   std::map<std::string, bool>& groups) {
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    std::string path = name.substr(0, slash);
    if (!groups.emplace(path, true).second) continue;
    make(H5Gcreate2(file, path.c_str(), properties.link.id(), properties.group.id(), H5P_DEFAULT),
         H5Gclose, "the group " + path + " (is there an entry of that name?)");
  }
}

void place_piece(hid_t file, FilePiece& piece, const Properties& properties) {
  const Handle space = space_of(piece);
  const Handle type = piece.kind == PieceKind::text
                          ? libhdf5::text_type(piece.bytes)
                          : make(H5Tcopy(hdf5_type(piece.dtype)), H5Tclose, "a type");
  Handle dataset =
      make(H5Dcreate2(file, piece.name.c_str(), type.id(), space.id(), properties.link.id(),
                      properties.dataset.id(), H5P_DEFAULT),
           H5Dclose, "the dataset " + piece.name + " (is there a group of that name?)");
  piece.offset = piece.bytes > 0 ? H5Dget_offset(dataset.id()) : 0;
  check(piece.offset != HADDR_UNDEF, "HDF5 gave no place to ", piece.name);
  close(dataset, piece.name);
}

// The end of file as stated in the superblock (version 2: signature, version, two sizes, flags,
// base, extension, end).
uint64_t stated_end(const Memory& memory, uint64_t base) {
  constexpr uint8_t kBegin[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n', 2, 8, 8, 0};
  constexpr size_t kBase = 12, kEnd = 28, kLength = 48;
  check(
      memory.size >= base + kLength && std::memcmp(memory.data + base, kBegin, sizeof kBegin) == 0,
      "HDF5 did not write a superblock of version 2");
  uint64_t found_base = 0, end = 0;
  std::memcpy(&found_base, memory.data + base + kBase, sizeof found_base);
  std::memcpy(&end, memory.data + base + kEnd, sizeof end);
  check(found_base == base && end >= base + kLength, "HDF5 states an end of file of ", end,
        " bytes, expected at least ", base + kLength);
  return end;
}

void fill(Memory& memory, std::vector<FilePiece>& pieces, uint64_t index_bytes) {
  uint64_t room = 16 * 1024;
  for (const FilePiece& piece : pieces) room += 512 + 2 * piece.name.size();
  Handle file = create_file(memory, index_bytes, room);
  Properties properties;
  libhdf5::write_text(file.id(), "format", "d2l checkpoint 1");
  std::map<std::string, bool> groups;
  for (FilePiece& piece : pieces) {
    create_groups(file.id(), piece.name, properties, groups);
    place_piece(file.id(), piece, properties);
  }
  close(file, "the file");
}

}  // namespace

Hdf5Frame::Hdf5Frame(std::vector<FilePiece>& pieces, uint64_t index_bytes) {
  const libhdf5::Quiet quiet;
  Memory memory;
  try {
    fill(memory, pieces, index_bytes);
    file_bytes_ = stated_end(memory, index_bytes);
  } catch (...) {
    std::free(memory.data);
    throw;
  }
  memory_ = memory.data;
  written_ = memory.size;
}

Hdf5Frame::~Hdf5Frame() { std::free(memory_); }

std::vector<uint8_t> Hdf5Frame::part(uint64_t begin, uint64_t end) const {
  std::vector<uint8_t> bytes(end - begin);
  if (begin < written_) std::memcpy(bytes.data(), memory_ + begin, std::min(end, written_) - begin);
  return bytes;
}

}  // namespace d2l
