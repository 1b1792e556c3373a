#include "launcher/pipelines.h"

#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

data::Pipeline resized(const data::Pipeline& pipeline, int64_t size) {
  return size == 0 || pipeline.sets_size() ? pipeline : pipeline.resized(size);
}

Shape result_shape(const std::string& option, const data::Pipeline& pipeline, const Shape& images) {
  try {
    return pipeline.result_shape(images);
  } catch (const Error& error) {
    usage(option, ": ", error.what());
  }
}

// The arithmetic of the device on images of this shape.
void check_on_device(const Augmentation& augmentation, const Shape& image) {
  const int64_t size = std::min(image[0], image[1]), channels = image[2];
  if (augmentation.crop_padding >= size)  // the window must overlap the image
    usage("--augment: pad-crop expects less than the image size, ", size, ", found ",
          augmentation.crop_padding);
  if (augmentation.needs_colour() && channels != 3)
    usage("--augment: saturation and hue expect images with 3 channels, found ", channels);
  if (augmentation.mixes_values() && channels != 1 && channels != 3)
    usage("--augment: contrast expects images with 1 or 3 channels, found ", channels);
}

}  // namespace

Pipelines pipelines_of(const Config& config) {
  const auto& [augment, eval_transform] = config.augmentation;
  const int64_t size = config.data.resize;
  Pipelines found{.train = resized(augment, size), .eval = eval_transform, .note = {}};
  if (!eval_transform.sets_size() && augment.sets_size()) {
    found.eval = augment.for_evaluation();
    found.note = concat("test images: ", found.eval.text(),
                        ", to fit --augment; --eval-transform changes this");
  } else {
    found.eval = resized(eval_transform, size);
  }
  return found;
}

Shape train_shape(const Pipelines& pipelines, const Shape& images) {
  const Shape shape = result_shape("--augment", pipelines.train, images);
  if (shape.rank() == 1) return shape;  // a row, without steps
  check_on_device(pipelines.train.on_device(), shape);
  if (pipelines.train.finishes() && shape[2] != 1 && shape[2] != 3)
    usage("--augment: rand-augment expects images with 1 or 3 channels, found ", shape[2]);
  return shape;
}

Shape eval_shape(const Pipelines& pipelines, const Shape& images) {
  return result_shape("--eval-transform", pipelines.eval, images);
}

}  // namespace d2l::launcher
