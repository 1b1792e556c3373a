#pragma once

#include <string>
#include <vector>

#include "data/table/csv.h"
#include "vision/annotations/annotations.h"

namespace d2l::vision {

// Annotations as a table, one row for each box (data/table/csv.h), with these columns and maybe
// others, in any order:
//
//   image,class,left,top,right,bottom                 in pixels: the first pixel is (0, 0, 1, 1)
//   a.jpg,dog,48,240,195,371
//   b.jpg,,,,,                                        an image without boxes
//
// and, if they are known, width and height of the image, the same in all of its rows. Without
// `classes`: all classes that occur, sorted. Images are in the order of their first rows. Throws
// Error.
Annotations read_box_csv(const std::filesystem::path& path,
                         const std::vector<std::string>& classes = {});
Annotations parse_box_csv(data::CsvReader& reader, const std::vector<std::string>& classes = {});

}  // namespace d2l::vision
