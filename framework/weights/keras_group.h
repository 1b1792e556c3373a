#pragma once

#include <string>
#include <vector>

#include "framework/hdf5_reader/attributes.h"
#include "framework/hdf5_reader/object.h"

namespace d2l::weights {

// A group of an HDF5 file that has been read.
class KerasGroup {
 public:
  KerasGroup(const hdf5::Structures& file, uint64_t address);

  const std::vector<hdf5::Link>& links() const { return links_; }
  bool has(const std::string& name) const { return find(name) != nullptr; }
  // The address of a member. Throws FormatError if there is none, or a link that is not followed.
  uint64_t address(const std::string& name) const;
  // An attribute that is a list of texts. Keras divides long lists into NAME0, NAME1, ...
  std::vector<std::string> texts(const std::string& name) const;
  bool has_texts(const std::string& name) const;

 private:
  const hdf5::Link* find(const std::string& name) const;

  hdf5::Object object_;
  hdf5::Attributes attributes_;
  std::vector<hdf5::Link> links_;
};

}  // namespace d2l::weights
