#pragma once

#include <string>
#include <vector>

#include "data/packing/source.h"

namespace d2l::data {

// Finds classes and splits in the paths of images. `images`: paths from the root of a folder or an
// archive, separated by '/'; labels are not set yet.
//
// A class is a folder, and its images are those in it and below it. The folders "train", "test",
// "val", "valid" and "validation" contain one folder per class each. d2l has two splits: `test`
// comes from the folder "test", or from one of the others if "test" does not exist or has no class
// folders. Folders around all of this are skipped. Classes are in byte order of their names; images
// are in byte order within a class.
//
// Throws Error that begins with `where` and says what was found: no image, no class folders, only
// one class, splits with other names, classes that occur only in the test split, two images of the
// same path.
SourceContent content_of_class_folders(std::vector<PackItem> images, const std::string& where);

// Whether a file or folder of this name is skipped: it begins with a dot, or is "__MACOSX".
bool is_hidden(const std::string& name);
// The same for any part of a path.
bool has_hidden_part(const std::string& path);

// Add a note about files that are left out, if there are any.
void note_hidden(int64_t count, std::vector<std::string>& notes);
void note_others(const std::vector<PackItem>& others, std::vector<std::string>& notes);

}  // namespace d2l::data
