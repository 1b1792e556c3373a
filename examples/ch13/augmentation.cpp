// Chapter 13.1: random changes of training images.
//     build/release/examples/ch13/augmentation [FOLDER [SEED]]

#include <d2l.h>

#include "data/memory_dataset.h"
#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/pictures.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const Tensor cat = examples::read_picture(examples::data_folder() / "images/d2l/cat1.jpg");
  print("the picture:", cat.shape());

  // Eight times the same picture, as a dataset.
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 8; ++i)
    for (const float value : cat.to_vector<float>())
      pixels.push_back(static_cast<uint8_t>(255 * value + 0.5f));
  const auto cats = std::make_shared<data::MemoryDataset>(
      data::DatasetInfo{.name = "cats", .shape = cat.shape(), .classes = 1}, pixels,
      std::vector<uint8_t>(8));

  const auto show = [&](const std::string& title, const std::string& steps,
                        const std::string& name) {
    data::Batches batches(
        cats,
        {.batch_size = 8, .seed = arguments.seed(), .pipeline = data::Pipeline::parse(steps)});
    for (const auto& [x, y] : batches.epoch(0)) {
      print(steps, "->", x.shape());
      examples::save_images(arguments.file(name), title, x, {}, 4);
    }
  };
  const std::string colours = "brightness 0.5, contrast 0.5, saturation 0.5, hue 0.5";
  show("Flipped at random", "resize 96x120, flip 0.5", "flip.svg");
  show("Crops of 10 to 100 % of the area", "random-resized-crop 120 scale 0.1..1 ratio 0.5..2",
       "crop.svg");
  show("Brightness", "resize 96x120, brightness 0.5", "brightness.svg");
  show("Hue", "resize 96x120, hue 0.5", "hue.svg");
  show("Brightness, contrast, saturation and hue", "resize 96x120, " + colours, "colours.svg");
  show("Cropped, flipped and coloured",
       "random-resized-crop 120 scale 0.1..1, flip 0.5, " + colours, "all_together.svg");
}
