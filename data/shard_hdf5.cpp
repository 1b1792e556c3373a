#include "data/shard_hdf5.h"

#include <algorithm>

namespace d2l::data::hdf5 {
namespace {

constexpr size_t kLongestText = 60000;  // what fits an object header

}  // namespace

Quiet::Quiet() {
  // A file that cannot be opened leaves things behind that the library cannot close at exit; it
  // would say so on the terminal. Nothing needs it: every file that is written is closed by its
  // writer.
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
  // HDF5 appends the state of its own variables
  return text.empty() ? "no reason given" : text.substr(0, std::min(text.find('\n'), size_t{200}));
}

Handle access_properties() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  require(access.valid(), "cannot set up HDF5");
  require(H5Pset_libver_bounds(access.id(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0,
          "cannot choose HDF5's newest format");
  require(H5Pset_file_locking(access.id(), false, true) >= 0, "cannot switch HDF5's locks off");
  // A filter that the library does not hold itself is code from elsewhere.
  require(H5PLset_loading_state(0) >= 0, "cannot switch HDF5's plugins off");
  return access;
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

namespace {

Handle open_attribute(hid_t object, const char* name, const std::string& path) {
  check(H5Aexists(object, name) > 0, path, ": attribute '", name, "' is missing");
  Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  require(attribute.valid(), path, ": cannot read attribute '", name, "'");
  Handle space(H5Aget_space(attribute.id()), H5Sclose);
  check(space.valid() && H5Sget_simple_extent_npoints(space.id()) == 1, path, ": attribute '", name,
        "': expected one value");
  return attribute;
}

}  // namespace

int64_t read_integer(hid_t object, const char* name, const std::string& path) {
  Handle attribute = open_attribute(object, name, path);
  Handle type(H5Aget_type(attribute.id()), H5Tclose);
  check(type.valid() && H5Tget_class(type.id()) == H5T_INTEGER, path, ": attribute '", name,
        "': expected a whole number");
  int64_t value = 0;
  require(H5Aread(attribute.id(), H5T_NATIVE_INT64, &value) >= 0, path, ": cannot read attribute '",
          name, "'");
  return value;
}

std::string read_text(hid_t object, const char* name, const std::string& path) {
  Handle attribute = open_attribute(object, name, path);
  Handle type(H5Aget_type(attribute.id()), H5Tclose);
  check(type.valid() && H5Tget_class(type.id()) == H5T_STRING && H5Tis_variable_str(type.id()) == 0,
        path, ": attribute '", name, "': expected text of fixed length");
  const size_t length = H5Tget_size(type.id());
  check(length <= kLongestText, path, ": attribute '", name, "': expected at most ", kLongestText,
        " bytes of text, found ", length);
  std::string text(length, '\0');
  require(H5Aread(attribute.id(), type.id(), text.data()) >= 0, path, ": cannot read attribute '",
          name, "'");
  return text.substr(0, text.find('\0'));
}

}  // namespace d2l::data::hdf5
