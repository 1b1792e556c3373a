#include "vision/annotations/voc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <pugixml.hpp>
#include <unordered_map>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "vision/annotations/numbers.h"

namespace d2l::vision {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = size_t{16} << 20;

// The element of this name, of which there must be one.
pugi::xml_node only_child(const pugi::xml_node& parent, const char* name,
                          const std::string& place) {
  const pugi::xml_node child = parent.child(name);
  check(!child.empty(), place, ": expected <", name, "> in <", parent.name(), ">, found none");
  check(child.next_sibling(name).empty(), place, ": expected one <", name, "> in <", parent.name(),
        ">, found more");
  return child;
}

std::string text_in(const pugi::xml_node& parent, const char* name, const std::string& place) {
  const pugi::xml_node child = only_child(parent, name, place);
  check(child.first_child() == child.last_child(), place, ": expected one text in <", name,
        ">, found more");
  return std::string(trimmed(child.text().get()));
}

double number_in(const pugi::xml_node& parent, const char* name, const std::string& place) {
  return parse_number(text_in(parent, name, place), concat(place, ": <", name, ">"));
}

int64_t pixels_in(const pugi::xml_node& parent, const char* name, const std::string& place) {
  const double number = number_in(parent, name, place);
  check(number >= 1 && number <= 1e9 && number == std::floor(number), place, ": expected a <", name,
        "> of at least 1 pixel, found ", number);
  return static_cast<int64_t>(number);
}

bool is_difficult(const pugi::xml_node& object, const std::string& place) {
  if (object.child("difficult").empty()) return false;
  const std::string text = text_in(object, "difficult", place);
  check(text == "0" || text == "1", place, ": expected <difficult> to be 0 or 1, found '",
        text.substr(0, 40), "'");
  return text == "1";
}

void add_object(AnnotatedImage& image, const pugi::xml_node& object, const std::string& file,
                ClassNames& classes) {
  const std::string place = box_place(file, image.name, image.boxes.size());
  TrueBox truth;
  truth.label = classes.label_of(text_in(object, "name", place), place);
  truth.difficult = is_difficult(object, place);
  const pugi::xml_node corners = only_child(object, "bndbox", place);
  truth.box = {number_in(corners, "xmin", place) - 1, number_in(corners, "ymin", place) - 1,
               number_in(corners, "xmax", place), number_in(corners, "ymax", place)};
  truth.area = std::numeric_limits<double>::quiet_NaN();
  add_box(image, truth, place);
}

}  // namespace

std::vector<fs::path> voc_files(const fs::path& folder, const fs::path& list) {
  std::vector<fs::path> files;
  if (!list.empty()) {
    for (const std::string& line : split_lines(read_text_file(list))) {
      const std::string_view words = trimmed(line);
      if (words.empty()) continue;
      files.push_back(folder / (std::string(words.substr(0, words.find_first_of(" \t"))) + ".xml"));
    }
    check(!files.empty(), list.string(), ": expected names of images, found none");
    return files;
  }
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  check(!error, folder.string(), ": expected a folder of annotations: ", error.message());
  for (const fs::directory_entry& entry : entries)
    if (entry.path().extension() == ".xml") files.push_back(entry.path());
  check(!files.empty(), folder.string(), ": expected files that end with .xml, found none");
  std::sort(files.begin(), files.end());
  return files;
}

Annotations read_voc(const std::vector<fs::path>& files, const std::vector<std::string>& classes) {
  ClassNames names(classes);
  Annotations annotations;
  std::unordered_map<std::string, std::string> seen;
  for (const fs::path& file : files) {
    annotations.images.push_back(parse_voc(read_text_file(file), file.string(), names));
    const std::string& image = annotations.images.back().name;
    const auto [other, is_new] = seen.emplace(image, file.string());
    check(is_new, file.string(), ": expected an image of its own, found '", image, "', which ",
          other->second, " has too");
  }
  std::move(names).finish(annotations);
  return annotations;
}

AnnotatedImage parse_voc(std::string_view xml, const std::string& file, ClassNames& classes) {
  check(xml.size() <= kMostBytes, file, ": expected an XML file of at most ",
        human_bytes(kMostBytes), ", found ", human_bytes(xml.size()));
  pugi::xml_document document;
  // Entities that the document defines are not expanded, and nothing is loaded from elsewhere.
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  check(parsed.status == pugi::status_ok, file, ": expected an XML file, found an error at byte ",
        parsed.offset, ": ", parsed.description());
  const pugi::xml_node root = document.document_element();
  check(std::string_view(root.name()) == "annotation", file,
        ": expected <annotation> as the outermost element, found <",
        std::string_view(root.name()).substr(0, 40), ">");
  AnnotatedImage image;
  image.name = text_in(root, "filename", file);
  const pugi::xml_node size = only_child(root, "size", file);
  image.width = pixels_in(size, "width", file);
  image.height = pixels_in(size, "height", file);
  check_image(file, image);
  for (const pugi::xml_node& object : root.children("object"))
    add_object(image, object, file, classes);
  return image;
}

}  // namespace d2l::vision
