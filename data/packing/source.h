#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// One image of a source.
struct PackItem {
  std::string name;  // its path in the source, for messages: "train/cats/1.jpg"
  int64_t label = 0;
  int64_t id = 0;      // what the source needs to find it
  uint64_t bytes = 0;  // as the source stores it; 0: not known
  // As a viewer shows it, from the file's header; 0: the header could not be read.
  int32_t height = 0, width = 0, channels = 0;
};

// The name that a dataset gets from the path of its source: "pets" for "data/pets/" and
// "data/pets.tar.gz".
std::string name_from_path(const std::filesystem::path& path);

// What a source contains.
struct SourceContent {
  // Name, classes, class names, source and licence. The shape is known only if the images are
  // pixels or samples of a dataset; its rank is 0 otherwise.
  DatasetInfo info;
  std::vector<PackItem> train, test;
  std::vector<std::string> notes;  // what a user should know, such as what was left out

  std::vector<PackItem>& items(Split split) { return split == Split::train ? train : test; }
  const std::vector<PackItem>& items(Split split) const {
    return split == Split::train ? train : test;
  }
};

// Images with labels that can be packed, in a form that users have: a folder, an archive, a list, a
// dataset.
class PackSource {
 public:
  // `position`: of the item in the requested list. The sample is valid only during the call. Its
  // label is not set, and its shape only for pixels.
  using Visitor = std::function<void(size_t position, const Sample& sample)>;
  // Called instead of the visitor for an item that cannot be read: the reason in one line.
  using Problem = std::function<void(size_t position, const std::string& reason)>;

  explicit PackSource(SourceContent content) : content_(std::move(content)) {}
  virtual ~PackSource() = default;
  PackSource(const PackSource&) = delete;
  PackSource& operator=(const PackSource&) = delete;

  const SourceContent& content() const { return content_; }

  // An item's place, for messages.
  virtual std::string place_of(const PackItem& item) const { return item.name; }

  // Calls `visitor` or `problem` once for each item, in the order of `items`. Throws Error if the
  // source as a whole cannot be read.
  virtual void visit(std::span<const PackItem> items, const Visitor& visitor,
                     const Problem& problem) const = 0;

 private:
  SourceContent content_;
};

}  // namespace d2l::data
