#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "vision/boxes.h"

namespace d2l::vision {

// The true boxes of one image.
struct AnnotatedImage {
  std::string name;               // its file, a path inside of the folder of the images
  int64_t height = 0, width = 0;  // 0: the file of annotations does not tell
  std::vector<TrueBox> boxes;
};

// What a file of annotations, or a folder of them, tells: read_voc(), read_coco(), read_box_csv().
// These files are not trusted. The readers throw Error for all that is wrong, such as
//   boxes.json: image 'a.jpg', box 3: expected a box inside of the image, …
// where boxes count from 1. A side of a box may be up to half a pixel outside of its image, since
// some programs round; it is then moved to the border.
struct Annotations {
  std::vector<std::string> classes;  // by label
  std::vector<AnnotatedImage> images;
};

// The classes of annotations, by their names. For the readers.
class ClassNames {
 public:
  // Without names, all classes that are asked for are known. Throws Error for a name that is empty,
  // longer than 256 bytes or given twice.
  explicit ClassNames(const std::vector<std::string>& names = {});

  // Throws Error that begins with `place` for an unknown class.
  int64_t label_of(const std::string& name, const std::string& place);

  // Moves the names to `annotations`. If none were given, sorts them and changes the labels.
  void finish(Annotations& annotations) &&;

 private:
  bool given_;
  std::map<std::string, int64_t> labels_;
};

// "boxes.json: image 'a.jpg', box 3" for the box with index 2. For messages of the readers.
std::string box_place(const std::string& file, const std::string& image, size_t index);

// Throws Error that begins with `place` unless `name` is a path that stays inside of a folder, and
// unless both sides of the image are at most 1,000,000 pixels, and 1 at least or both 0.
void check_image(const std::string& place, const AnnotatedImage& image);

// Appends a box to the image. Throws Error that begins with `place` if it has no area or is outside
// of the image, and for a negative area. An area that is NaN becomes that of the box.
void add_box(AnnotatedImage& image, TrueBox box, const std::string& place);

}  // namespace d2l::vision
