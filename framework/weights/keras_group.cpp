#include "framework/weights/keras_group.h"

#include <algorithm>

#include "framework/base/text.h"

namespace d2l::weights {

KerasGroup::KerasGroup(const hdf5::Structures& file, uint64_t address)
    : object_(file, address), attributes_(file, object_), links_(hdf5::read_links(file, object_)) {}

const hdf5::Link* KerasGroup::find(const std::string& name) const {
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const hdf5::Link& candidate) {
    return candidate.name == name;
  });
  return link == links_.end() ? nullptr : &*link;
}

uint64_t KerasGroup::address(const std::string& name) const {
  const hdf5::Link* link = find(name);
  hdf5::require(link != nullptr, "'", visible(name), "' is missing");
  hdf5::require(link->address.has_value(), "'", visible(name),
                "' is a link to another place or file");
  return *link->address;
}

std::vector<std::string> KerasGroup::texts(const std::string& name) const {
  if (attributes_.has(name)) return attributes_.texts(name);
  std::vector<std::string> all;
  for (int part = 0; attributes_.has(name + std::to_string(part)); ++part) {
    const std::vector<std::string> more = attributes_.texts(name + std::to_string(part));
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

bool KerasGroup::has_texts(const std::string& name) const {
  return attributes_.has(name) || attributes_.has(name + "0");
}

}  // namespace d2l::weights
