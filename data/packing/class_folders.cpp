#include "data/packing/class_folders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

using Items = std::vector<PackItem>;

constexpr size_t kMostNamed = 8;

// A path without the folders around the classes: "train/cats/1.jpg".
struct Located {
  PackItem* item = nullptr;
  std::string_view path;
};

// The first part of a path with several parts; empty for a name alone.
std::string_view first_folder(std::string_view path) {
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view without_first(std::string_view path) { return path.substr(path.find('/') + 1); }

int64_t depth(std::string_view path) { return std::count(path.begin(), path.end(), '/'); }

bool is_train_name(std::string_view name) { return name == "train"; }
bool is_validation_name(std::string_view name) {
  return name == "val" || name == "valid" || name == "validation";
}
bool is_part_name(std::string_view name) {
  return is_train_name(name) || name == "test" || is_validation_name(name);
}

// Removes folders that contain everything: "imagenet/train/cats/1.jpg" becomes "train/cats/1.jpg".
// The last folder of a path is a class, and "train" alone is a split.
void skip_outer_folders(std::vector<Located>& images) {
  while (true) {
    const std::string_view outer = first_folder(images[0].path);
    if (outer.empty() || is_part_name(outer)) return;
    for (const Located& image : images)
      if (first_folder(image.path) != outer || depth(image.path) < 2) return;
    for (Located& image : images) image.path = without_first(image.path);
  }
}

std::string some(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMostNamed);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<ptrdiff_t>(shown));
  return join(first, ", ") +
         (names.size() > shown ? concat(" and ", names.size() - shown, " more") : "");
}

std::string images_text(size_t count) {
  return concat(with_thousands(static_cast<int64_t>(count)), count == 1 ? " image" : " images");
}

// The images of one part ("train", or everything), with paths that begin with the class.
struct Part {
  std::vector<Located> images;
  size_t outside = 0;  // images that are in no class folder
  bool empty() const { return images.empty(); }
};

// Adds an image whose path begins with the class.
void add(Part& part, Located image) {
  if (first_folder(image.path).empty())
    ++part.outside;
  else
    part.images.push_back(image);
}

// Which part becomes which split.
struct Parts {
  Part train, test;
};

std::string note_outside(const std::string& folder, const Part& part) {
  return concat(images_text(part.outside), " directly in ", folder,
                part.outside == 1 ? " is" : " are", " left out, because no folder names the class");
}

// Whether the folder looks as if it contained this split: "Training", "test_set".
bool looks_like(std::string_view folder, std::string_view split) {
  return folder.size() >= split.size() &&
         std::equal(split.begin(), split.end(), folder.begin(),
                    [](char a, char b) { return a == b || a == b - 'A' + 'a'; });
}

// Folders that look like splits and contain folders are no classes: their names are wrong.
void check_no_splits(const std::map<std::string, Part>& by_folder, const std::string& where) {
  std::vector<std::string> names;
  size_t trains = 0;
  for (const auto& [folder, part] : by_folder) {
    if (folder.empty()) continue;
    const bool train = looks_like(folder, "train");
    if (part.outside > 0 || !(train || looks_like(folder, "test") || looks_like(folder, "val")))
      return;
    trains += train ? 1 : 0;
    names.push_back(folder);
  }
  check(trains == 0 || trains == names.size(), where, ": expected train and test as the names of ",
        "the folders of the splits, found ", join(names, " and "));
}

// Divides the images into parts by their first folder, or puts all of them into `train`.
Parts divide(const std::vector<Located>& images, const std::string& where,
             std::vector<std::string>& notes) {
  std::map<std::string, Part> by_folder;
  bool all_parts = true;
  for (const Located& image : images) {
    const std::string folder(first_folder(image.path));
    all_parts &= is_part_name(folder);
    add(by_folder[folder], {image.item, without_first(image.path)});
  }
  const bool trains = by_folder.count("train") > 0 && !by_folder["train"].empty();
  const auto tests = std::count_if(by_folder.begin(), by_folder.end(), [](const auto& entry) {
    return is_part_name(entry.first) && entry.first != "train" && !entry.second.empty();
  });
  Parts parts;
  if (!all_parts && !(trains && tests > 0)) {
    check_no_splits(by_folder, where);
    for (const Located& image : images) add(parts.train, image);
    if (parts.train.outside > 0 && !parts.train.empty())
      notes.push_back(note_outside(where, parts.train));
    return parts;
  }
  std::string test_folder;
  for (const char* name : {"test", "val", "valid", "validation"})
    if (test_folder.empty() && by_folder.count(name) > 0 && !by_folder[name].empty())
      test_folder = name;
  for (auto& [folder, part] : by_folder) {
    if (part.outside > 0 && is_part_name(folder)) notes.push_back(note_outside(folder + "/", part));
    const size_t count = part.images.size();
    if (folder == "train")
      parts.train = std::move(part);
    else if (folder == test_folder)
      parts.test = std::move(part);
    else if (count > 0)
      notes.push_back(concat(images_text(count), " in ", folder, "/ are left out: d2l has two ",
                             "splits, which come from train/ and ", test_folder, "/"));
  }
  if (!test_folder.empty() && test_folder != "test")
    notes.push_back(concat(test_folder, "/ becomes the split test"));
  return parts;
}

using Classes = std::map<std::string, int64_t, std::less<>>;

Classes classes_of(const Part& part) {
  Classes classes;
  for (const Located& image : part.images) classes.emplace(first_folder(image.path), 0);
  int64_t label = 0;
  for (auto& [name, number] : classes) number = label++;
  return classes;
}

// In order of class and path, with labels.
Items sorted_items(Part& part, const Classes& classes) {
  std::sort(part.images.begin(), part.images.end(), [](const Located& a, const Located& b) {
    const std::string_view of_a = first_folder(a.path), of_b = first_folder(b.path);
    return of_a != of_b ? of_a < of_b : a.path < b.path;
  });
  Items items;
  items.reserve(part.images.size());
  for (const Located& image : part.images) {
    image.item->label = classes.find(first_folder(image.path))->second;
    items.push_back(std::move(*image.item));
  }
  return items;
}

void check_distinct(const Items& images, const std::string& where) {
  std::set<std::string_view> names;
  for (const PackItem& image : images)
    check(names.insert(image.name).second, where, ": expected different names, found two files ",
          image.name);
}

void check_known(const Part& test, const Classes& classes, const std::string& where) {
  std::set<std::string> unknown;
  for (const Located& image : test.images)
    if (classes.count(first_folder(image.path)) == 0) unknown.emplace(first_folder(image.path));
  check(unknown.empty(), where, ": expected in the test split only classes that have training ",
        "images, found also ", some({unknown.begin(), unknown.end()}));
}

}  // namespace

bool is_hidden(const std::string& name) { return name.starts_with('.') || name == "__MACOSX"; }

bool has_hidden_part(const std::string& path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (is_hidden(path.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

void note_hidden(int64_t count, std::vector<std::string>& notes) {
  if (count > 0)
    notes.push_back(concat(with_thousands(count), " hidden file", count == 1 ? "" : "s",
                           " or folder", count == 1 ? " is" : "s are", " left out"));
}

void note_others(const Items& others, std::vector<std::string>& notes) {
  if (others.size() == 1)
    notes.push_back(concat(others[0].name, " is left out: it is no JPEG, PNG or WebP image"));
  if (others.size() > 1)
    notes.push_back(concat(with_thousands(static_cast<int64_t>(others.size())),
                           " files are left out: they are no JPEG, PNG or WebP images, for ",
                           "example ", others[0].name));
}

SourceContent content_of_class_folders(Items images, const std::string& where) {
  check(!images.empty(), where, ": expected JPEG, PNG or WebP files, one folder per class; found ",
        "no such file");
  check_distinct(images, where);
  std::vector<Located> located;
  located.reserve(images.size());
  for (PackItem& image : images) located.push_back({&image, image.name});
  skip_outer_folders(located);

  SourceContent content;
  Parts parts = divide(located, where, content.notes);
  const Part& named = parts.train.empty() ? parts.test : parts.train;
  check(!named.empty(), where, ": expected one folder per class, found ",
        images_text(images.size()), " outside such folders, for example ", images[0].name);
  const Classes classes = classes_of(named);
  check(classes.size() > 1, where, ": expected at least two class folders, found only ",
        classes.begin()->first, " with ", images_text(named.images.size()));
  check_known(parts.test, classes, where);
  for (const auto& [name, label] : classes) content.info.class_names.push_back(name);
  content.info.classes = static_cast<int64_t>(classes.size());
  content.train = sorted_items(parts.train, classes);
  content.test = sorted_items(parts.test, classes);
  return content;
}

}  // namespace d2l::data
