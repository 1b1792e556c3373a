#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/packing/source.h"
#include "data/packing/team.h"

namespace d2l::data {

// The bytes of an image file. Throws Error with the path and the system's reason, or if the file
// has more than kMostImageBytes.
std::vector<uint8_t> read_image_file(const std::filesystem::path& path);

// Reads the headers of the files `root` / name of each item, on all processes and `threads` threads
// each, and sets bytes and sizes. Returns for each item whether it begins like an image. A file
// that cannot be read counts as an image of unknown size.
std::vector<bool> inspect_files(const PackTeam& team, const std::filesystem::path& root,
                                std::vector<PackItem>& items, int threads);

// The images in a folder and the folders in it.
struct ListedImages {
  std::vector<PackItem> images;    // with bytes and sizes; names are paths from the folder
  std::vector<std::string> notes;  // about what is left out
};

// One process lists the files, all inspect them, and all get the same result. A file that is named
// like an image but is none is among the images. Follows links, but not around in circles.
ListedImages list_images(const PackTeam& team, const std::filesystem::path& folder, int threads);

// The items are files: `root` / name.
class FileSource final : public PackSource {
 public:
  // `train_list`, `test_list`: the lists' paths, if the items are lines of lists. Their ids are the
  // numbers of the lines; negative in the list of test.
  FileSource(std::filesystem::path root, SourceContent content, std::string train_list = "",
             std::string test_list = "")
      : PackSource(std::move(content)),
        root_(std::move(root)),
        train_list_(std::move(train_list)),
        test_list_(std::move(test_list)) {}
  std::string place_of(const PackItem& item) const override;
  void visit(std::span<const PackItem> items, const Visitor& visitor,
             const Problem& problem) const override;

 private:
  std::filesystem::path root_;
  std::string train_list_, test_list_;
};

// The images in the class folders of `root` (content_of_class_folders).
std::unique_ptr<PackSource> open_image_folder(const PackTeam& team,
                                              const std::filesystem::path& root, int threads);

// The images of one list per split; `test` may be empty. Paths start at the folder of their list.
std::unique_ptr<PackSource> open_list(const PackTeam& team, const std::filesystem::path& train,
                                      const std::filesystem::path& test, int threads);

}  // namespace d2l::data
