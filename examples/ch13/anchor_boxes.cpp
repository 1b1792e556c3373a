// Chapter 13.4: anchors, their overlap with true boxes, and non-maximum suppression.
//     build/release/examples/ch13/anchor_boxes [FOLDER]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/pictures.h"

using namespace d2l;

// Of rows with relative corners.
std::vector<examples::DrawnBox> drawn(const Tensor& boxes, const Tensor& picture,
                                      const std::vector<std::string>& labels) {
  const auto height = double(picture.size(0)), width = double(picture.size(1));
  std::vector<examples::DrawnBox> result;
  for (const std::vector<double>& box : boxes.to_rows<double>())
    result.push_back(
        {box[0] * width, box[1] * height, box[2] * width, box[3] * height, labels[result.size()]});
  return result;
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const Tensor picture = examples::read_picture(examples::data_folder() / "images/d2l/catdog.jpg");
  const int64_t height = picture.size(0), width = picture.size(1);
  const Tensor anchors =
      vision::anchors(default_backend(), height, width, {0.75, 0.5, 0.25}, {1, 2, 0.5});
  print("a picture of", height, "x", width, "has", anchors.size(0), "anchors");
  const Tensor at_pixel = anchors.reshape({height, width, 5, 4})(250, 250);
  print("the first one of pixel (250, 250):", at_pixel(0));
  examples::save_boxes(
      arguments.file("anchors.svg"), "The anchors of one pixel", picture,
      drawn(at_pixel, picture,
            {"s=0.75, r=1", "s=0.5, r=1", "s=0.25, r=1", "s=0.75, r=2", "s=0.75, r=0.5"}));

  const Tensor truth = tensor({{0.1, 0.08, 0.52, 0.92}, {0.55, 0.2, 0.9, 0.88}});
  const Tensor found = tensor({{0.1, 0.08, 0.52, 0.92},
                               {0.08, 0.2, 0.56, 0.95},
                               {0.15, 0.3, 0.62, 0.91},
                               {0.55, 0.2, 0.9, 0.88}});
  print("intersection over union with the true boxes:", vision::iou(found, truth));
  const Tensor scores = tensor({0.9, 0.8, 0.7, 0.9});
  const std::vector<int64_t> kept = vision::nms(found, scores, 0.5);
  print("non-maximum suppression keeps:", tensor(kept));
  examples::save_boxes(arguments.file("detections.svg"), "After non-maximum suppression", picture,
                       drawn(take(found, tensor(kept)), picture, {"dog=0.9", "cat=0.9"}));
}
