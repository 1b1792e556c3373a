#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "data/loading/batches.h"
#include "examples/support/plot.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/optimizer.h"

namespace d2l::examples {

// What chapter 3.6 defines and later chapters use: training a classifier, and its accuracy.

// The averages over an epoch of training, and the accuracy on the test data afterwards.
struct EpochResult {
  double loss = 0, accuracy = 0, test_accuracy = 0;
};

struct TrainingOptions {
  int64_t epochs = 10;
  double lr = 0.1;
};

// Minimises the cross-entropy. Prints a line for each epoch, with the training examples per second,
// and at the end "train loss 0.469, train acc 0.824, test acc 0.812".
std::vector<EpochResult> train_classifier(nn::Module& net, nn::ParameterSet& parameters,
                                          Optimizer& optimizer, data::Batches& train,
                                          data::Batches& test, const TrainingOptions& options);

// The share of samples whose largest score is that of their label.
double accuracy(nn::Module& net, data::Batches& batches);

// The curves of the epochs.
void plot_epochs(const std::filesystem::path& file, const std::string& title,
                 const std::vector<EpochResult>& epochs);

// The names of Fashion-MNIST's classes for these labels or scores: "pullover".
std::vector<std::string> class_names(const data::Dataset& dataset, const Tensor& labels);

}  // namespace d2l::examples
