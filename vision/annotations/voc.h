#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vision/annotations/annotations.h"

namespace d2l::vision {

// Annotations in the XML format of Pascal VOC (Everingham et al., 2010), one file for each image:
//
//   <annotation>
//     <filename>000005.jpg</filename>
//     <size> <width>500</width> <height>375</height> <depth>3</depth> </size>
//     <object>                                                       any number
//       <name>chair</name>
//       <difficult>0</difficult>                                     may be missing
//       <bndbox> <xmin>263</xmin> <ymin>211</ymin> <xmax>324</xmax> <ymax>339</ymax> </bndbox>
//     </object>
//   </annotation>
//
// xmin, ymin, xmax and ymax are pixels, counted from 1, that belong to the object: this box is
// (262, 210, 324, 339). All other elements and all attributes are ignored.

// The files that end with .xml in a folder, by name. With a list, such as ImageSets/Main/train.txt:
// NAME.xml for the first word NAME of each of its lines, in their order. Throws Error if there are
// none.
std::vector<std::filesystem::path> voc_files(const std::filesystem::path& folder,
                                             const std::filesystem::path& list = {});

// Without `classes`: all classes that occur, sorted. Throws Error, also for an image that is in two
// files.
Annotations read_voc(const std::vector<std::filesystem::path>& files,
                     const std::vector<std::string>& classes = {});

// One file of at most 16 MiB. `file` is its name in messages.
AnnotatedImage parse_voc(std::string_view xml, const std::string& file, ClassNames& classes);

}  // namespace d2l::vision
