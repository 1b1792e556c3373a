#pragma once

#include <string>
#include <vector>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

// A parameter or buffer of a network.
struct ModelArray {
  std::string name;  // "layer1.0.conv1.weight"
  Shape shape;       // of a convolution's weight: [out, height, width, in]
  // [h, w, c], if the columns of this matrix are the elements of a flattened image in this order.
  Shape image = {};
  bool is_head = false;      // belongs to the layer whose outputs are the classes
  bool reads_input = false;  // the weight of the convolution that reads the network's input
  bool in_block = false;     // belongs to a block of several layers, which may be parallel
};

// An array of the network and one of the file: positions in the two lists.
struct ArrayPair {
  size_t array = 0, weight = 0;
};

// Which arrays of a file belong to which arrays of a network. Every array of the network is in
// exactly one of the first three lists.
struct Match {
  std::string prefix;  // of the names in the file: "module."
  std::vector<ArrayPair> loaded;
  std::vector<size_t> fresh;          // arrays that the file does not have
  std::vector<ArrayPair> mismatched;  // arrays that have another shape in the file
  std::vector<size_t> unused;         // arrays of the file that the network does not have
  std::string obstacle;               // why nothing could be matched; usually empty

  // Whether all arrays except those of the head are loaded.
  bool fits_body(const std::vector<ModelArray>& arrays) const;
};

// Matches by name. Names in the file may have a prefix, such as "module." or "state_dict.model.":
// the one with which most names match is chosen, and among equals one of averaged weights ("ema").
// Counters of batches ("num_batches_tracked") are ignored. Files of Keras are matched by the order
// of their layers: see match_layers.h.
Match match(const std::vector<ModelArray>& arrays, const WeightFile& file);

// The shape that `array` has in files with this layout.
Shape shape_in_file(const ModelArray& array, Layout layout);
// Whether read_array() accepts an array of this shape.
bool fits(const ModelArray& array, const Shape& found, Layout layout);

// The elements of a matched array in the network's order of axes. The first convolution may have
// another number of input channels: a network for grey images gets the sum over the channels;
// otherwise the channels are repeated, and scaled so that equal channels give equal outputs (as
// timm does). Throws Error of WeightFile::read().
std::vector<float> read_array(const ModelArray& array, const WeightFile& file, size_t weight);

// The elements of `array` in the file's order of axes; the reverse of read_array().
std::vector<float> to_layout(const ModelArray& array, const std::vector<float>& values,
                             Layout layout);

}  // namespace d2l::weights
