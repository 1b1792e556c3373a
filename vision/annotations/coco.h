#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "vision/annotations/annotations.h"

namespace d2l::vision {

// Annotations in the JSON format of COCO (Lin et al., 2014), one file for all images:
//
//   {"images": [{"id": 42, "file_name": "a.jpg", "width": 640, "height": 480}, …],
//    "categories": [{"id": 18, "name": "dog"}, …],
//    "annotations": [{"id": 7, "image_id": 42, "category_id": 18, "bbox": [left, top, width,
//    height],
//                     "area": 1234.5, "iscrowd": 0}, …]}
//
// The lists may come in any order. Ids are whole numbers; an annotation needs none. `area` may be
// missing: the area of the box; so may `iscrowd`: 0. All other keys are ignored, also outlines
// (`segmentation`). Labels are the categories by ascending id. Throws Error, also for an id, an
// image or a category that is there twice and for an id that is nowhere.
Annotations read_coco(const std::filesystem::path& path);

// `file` is its name in messages.
Annotations parse_coco(std::string_view json, const std::string& file);

}  // namespace d2l::vision
