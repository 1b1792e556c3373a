#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framework/hdf5/libhdf5.h"

// Files in Keras' layouts, written with the HDF5 library as h5py does it.
namespace d2l::weights::test {

struct KerasValue {
  std::string name;  // "dense/kernel:0"; slashes make groups
  std::vector<hsize_t> sizes;
  std::vector<float> values;
};

struct KerasLayer {
  std::string name;
  std::vector<KerasValue> values = {};
};

enum class TextForm {
  fixed,    // Keras 2: NumPy's strings
  variable  // Keras 3: Python's strings
};

class KerasWriter {
 public:
  explicit KerasWriter(const std::filesystem::path& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose) {}

  hid_t root() const { return file_.id(); }

  libhdf5::Handle group(hid_t parent, const std::string& path) const {
    return {H5Gcreate2(parent, path.c_str(), with_parents().id(), H5P_DEFAULT, H5P_DEFAULT),
            H5Gclose};
  }

  void texts(hid_t object, const std::string& name, const std::vector<std::string>& values,
             TextForm form) const {
    size_t width = 1;
    for (const std::string& value : values) width = std::max(width, value.size());
    const bool is_fixed = form == TextForm::fixed;
    const libhdf5::Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.id(), is_fixed ? width : H5T_VARIABLE);
    if (is_fixed) H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
    const hsize_t count = values.size();
    const libhdf5::Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
    const libhdf5::Handle attribute(
        H5Acreate2(object, name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    std::string padded;
    std::vector<const char*> pointers;
    for (const std::string& value : values) {
      padded += value + std::string(width - value.size(), '\0');
      pointers.push_back(value.c_str());
    }
    if (count == 0) return;
    H5Awrite(attribute.id(), type.id(),
             is_fixed ? static_cast<const void*>(padded.data()) : pointers.data());
  }

  // `type`: of the elements in the file.
  void array(hid_t parent, const KerasValue& value, hid_t type = H5T_IEEE_F32LE,
             hid_t properties = H5P_DEFAULT) const {
    const libhdf5::Handle space(
        value.sizes.empty()
            ? H5Screate(H5S_SCALAR)
            : H5Screate_simple(static_cast<int>(value.sizes.size()), value.sizes.data(), nullptr),
        H5Sclose);
    const libhdf5::Handle data(H5Dcreate2(parent, value.name.c_str(), type, space.id(),
                                          with_parents().id(), properties, H5P_DEFAULT),
                               H5Dclose);
    H5Dwrite(data.id(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.values.data());
  }

  // What Keras 2 writes into a group.
  void layers(hid_t model, const std::vector<KerasLayer>& layers,
              TextForm form = TextForm::fixed) const {
    std::vector<std::string> names;
    for (const KerasLayer& layer : layers) {
      names.push_back(layer.name);
      const libhdf5::Handle parent = group(model, layer.name);
      std::vector<std::string> value_names;
      for (const KerasValue& value : layer.values) {
        value_names.push_back(value.name);
        array(parent.id(), value);
      }
      texts(parent.id(), "weight_names", value_names, form);
    }
    texts(model, "layer_names", names, form);
  }

 private:
  static libhdf5::Handle with_parents() {
    libhdf5::Handle properties(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(properties.id(), 1);
    return properties;
  }

  libhdf5::Handle file_;
};

}  // namespace d2l::weights::test
