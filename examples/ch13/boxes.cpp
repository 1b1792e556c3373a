// Chapter 13.3: boxes around the objects of a picture, in both forms.
//     build/release/examples/ch13/boxes [FOLDER]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/pictures.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const Tensor picture = examples::read_picture(examples::data_folder() / "images/d2l/catdog.jpg");
  const Tensor boxes = tensor({{60, 45, 378, 516}, {400, 112, 655, 493}});
  const Tensor centers = vision::centers_of(boxes);
  print("a dog and a cat, corners:", boxes);
  print("centres, widths and heights:", centers);
  print("and back:", vision::corners_of(centers) == boxes);

  std::vector<examples::DrawnBox> drawn;
  for (const auto& [name, box] : {std::pair{"dog", boxes(0)}, {"cat", boxes(1)}}) {
    const std::vector<double> corner = box.to_vector<double>();
    drawn.push_back({corner[0], corner[1], corner[2], corner[3], name});
  }
  examples::save_boxes(arguments.file("boxes.svg"), "A dog and a cat", picture, drawn);
}
