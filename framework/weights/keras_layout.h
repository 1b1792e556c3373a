#pragma once

#include <string>
#include <vector>

#include "framework/hdf5_reader/plain_array.h"

namespace d2l::weights {

struct KerasArray {
  std::string name;  // "conv2d_1/kernel"
  hdf5::PlainArray array;
};

struct KerasContent {
  // Layer after layer. A name is LAYER/KIND; the kinds of Keras' usual layers are kernel, bias,
  // gamma, beta, moving_mean and moving_variance.
  std::vector<KerasArray> arrays;
  // Why the arrays of one class of layers are not known to be in the order of the layers in the
  // network; empty if they are.
  std::string order_fault;
};

// Reads the directory of an HDF5 file that Keras has written. There are two layouts:
// - Keras 1 and 2, and since then save_weights("x.h5") and save("x.h5"): the attribute layer_names,
//   of the root or of its group model_weights, lists the groups of the layers in their order; the
//   attribute weight_names of such a group lists its arrays.
// - Keras 3, save_weights("x.weights.h5"): layers/dense_1/vars/0 is the first array of the second
//   layer of the class Dense.
// Throws hdf5::FormatError.
KerasContent read_keras(const hdf5::Structures& file);

}  // namespace d2l::weights
