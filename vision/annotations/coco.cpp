#include "vision/annotations/coco.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "framework/base/files.h"
#include "vision/annotations/coco_parser.h"

namespace d2l::vision {
namespace {

using Places = std::unordered_map<int64_t, size_t>;  // of ids

Places add_classes(Annotations& annotations, CocoContent& content, const std::string& file) {
  std::sort(content.categories.begin(), content.categories.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  std::vector<std::string> names;
  Places places;
  for (CocoContent::Category& category : content.categories) {
    const bool is_new = places.emplace(category.id, names.size()).second;
    check(is_new, file, ": expected different ids of categories, found ", category.id, " twice");
    names.push_back(std::move(category.name));
  }
  try {
    ClassNames(names).finish(annotations);
  } catch (const Error& error) {
    fail(file, ": ", error.what());
  }
  return places;
}

Places add_images(Annotations& annotations, CocoContent& content, const std::string& file) {
  Places places;
  std::unordered_set<std::string> names;
  for (CocoContent::Image& image : content.images) {
    const bool is_new = places.emplace(image.id, annotations.images.size()).second;
    check(is_new, file, ": expected different ids of images, found ", image.id, " twice");
    AnnotatedImage added{std::move(image.name), image.height, image.width, {}};
    check_image(file, added);
    check(added.width > 0, file, ": image '", added.name, "': expected a width and a height from ",
          "1 on, found 0 and 0");
    check(names.insert(added.name).second, file, ": expected different images, found '", added.name,
          "' twice");
    annotations.images.push_back(std::move(added));
  }
  return places;
}

}  // namespace

Annotations read_coco(const std::filesystem::path& path) {
  return parse_coco(read_text_file(path), path.string());
}

Annotations parse_coco(std::string_view json, const std::string& file) {
  CocoContent content = parse_coco_content(json, file);
  Annotations annotations;
  const Places classes = add_classes(annotations, content, file);
  const Places images = add_images(annotations, content, file);
  for (size_t i = 0; i < content.annotations.size(); ++i) {
    const CocoContent::BoxLine& line = content.annotations[i];
    const auto image = images.find(line.image);
    check(image != images.end(), file, ": entry ", i + 1, " of annotations: expected the id of an ",
          "image, found ", line.image);
    AnnotatedImage& owner = annotations.images[image->second];
    const std::string place = box_place(file, owner.name, owner.boxes.size());
    const auto label = classes.find(line.category);
    check(label != classes.end(), place, ": expected the id of a category, found ", line.category);
    const auto [left, top, width, height] = line.box;
    add_box(owner,
            {.label = static_cast<int64_t>(label->second),
             .box = {left, top, left + width, top + height},
             .area = line.area,
             .crowd = line.crowd},
            place);
  }
  return annotations;
}

}  // namespace d2l::vision
