#include "framework/hdf5/libhdf5.h"

#include <algorithm>

namespace d2l::libhdf5 {
namespace {

constexpr size_t kLongestText = 60000;  // fits into an object header

}  // namespace

Quiet::Quiet() {
  // A failed open leaves objects that the library cannot close at exit, and it would print an error
  // there. Skipping its exit handler is safe: every writer closes its own file.
  static const bool kStaysOpen = H5dont_atexit() >= 0;
  static_cast<void>(kStaysOpen);
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Quiet::~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

std::string reason() {
  std::string text;
  auto keep_first = [](unsigned, const H5E_error2_t* error, void* into) -> herr_t {
    auto& found = *static_cast<std::string*>(into);
    if (found.empty() && error->desc != nullptr) found = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  // HDF5 appends the state of its own variables, and among them the system's reason.
  const std::string before = "error message = '";
  if (const size_t at = text.find(before); at != std::string::npos) {
    const size_t begin = at + before.size();
    return text.substr(0, text.find(':')) + ": " +
           text.substr(begin, text.find('\'', begin) - begin);
  }
  return text.empty() ? "no reason given" : text.substr(0, std::min(text.find('\n'), size_t{200}));
}

Handle create_file(const std::filesystem::path& path) {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose),
      creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  require(access.valid() && creation.valid() &&
              H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
              H5Pset_file_locking(access.id(), false, true) >= 0 &&
              H5Pset_obj_track_times(creation.id(), false) >= 0,  // of the root group
          "cannot set up HDF5");
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose);
  require(file.valid(), "cannot make the file");
  return file;
}

Handle text_type(size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  require(type.valid() && H5Tset_size(type.id(), std::max<size_t>(length, 1)) >= 0 &&
              H5Tset_strpad(type.id(), H5T_STR_NULLPAD) >= 0 &&
              H5Tset_cset(type.id(), H5T_CSET_UTF8) >= 0,
          "cannot make a text type");
  return type;
}

void write_integer(hid_t object, const char* name, int64_t value) {
  Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  Handle attribute(H5Acreate2(object, name, H5T_STD_I64LE, space.id(), H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
  require(attribute.valid() && H5Awrite(attribute.id(), H5T_NATIVE_INT64, &value) >= 0,
          "cannot write attribute '", name, "'");
}

void write_text(hid_t object, const char* name, const std::string& text) {
  check(text.size() <= kLongestText, "attribute '", name, "': expected at most ", kLongestText,
        " bytes of text, found ", text.size());
  Handle type = text_type(text.size());
  Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  Handle attribute(H5Acreate2(object, name, type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
  require(attribute.valid() && H5Awrite(attribute.id(), type.id(), text.c_str()) >= 0,
          "cannot write attribute '", name, "'");
}

}  // namespace d2l::libhdf5
