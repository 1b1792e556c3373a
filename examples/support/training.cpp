#include "examples/support/training.h"

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/base/print.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"

namespace d2l::examples {

double accuracy(nn::Module& net, data::Batches& batches) {
  const NoGrad no_grad;
  double correct = 0;
  for (const auto& [x, y] : batches.epoch(0))
    correct += double(sum(cross_entropy(net(x), y).correct));
  return correct / static_cast<double>(batches.samples());
}

std::vector<EpochResult> train_classifier(nn::Module& net, nn::ParameterSet& parameters,
                                          Optimizer& optimizer, data::Batches& train,
                                          data::Batches& test, const TrainingOptions& options) {
  std::vector<EpochResult> results;
  const auto samples = static_cast<double>(train.samples());
  int64_t step = 0;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const Timer timer;
    Tensor loss = zeros({}), correct = zeros({});
    for (const auto& [x, y] : train.epoch(epoch)) {
      parameters.zero_grad();
      const CrossEntropy result = cross_entropy(net(x, nn::in_training(step++)), y);
      mean(result.losses).backward();
      optimizer.step(options.lr);
      loss += sum(result.losses.value());
      correct += sum(result.correct);
    }
    const double seconds = timer.seconds();
    const EpochResult result{.loss = double(loss) / samples,
                             .accuracy = double(correct) / samples,
                             .test_accuracy = accuracy(net, test)};
    print("epoch", epoch + 1, "loss", fixed(result.loss, 3), "train acc", fixed(result.accuracy, 3),
          "test acc", fixed(result.test_accuracy, 3), "-", fixed(samples / seconds, 0),
          "examples/s");
    results.push_back(result);
  }
  print("train loss", fixed(results.back().loss, 3) + ", train acc",
        fixed(results.back().accuracy, 3) + ", test acc", fixed(results.back().test_accuracy, 3));
  return results;
}

void plot_epochs(const std::filesystem::path& file, const std::string& title,
                 const std::vector<EpochResult>& epochs) {
  std::vector<double> numbers, loss, train, test;
  for (const EpochResult& epoch : epochs) {
    numbers.push_back(static_cast<double>(numbers.size() + 1));
    loss.push_back(epoch.loss);
    train.push_back(epoch.accuracy);
    test.push_back(epoch.test_accuracy);
  }
  Plot plot(title, "epoch");
  plot.line("train loss", numbers, loss).line("train accuracy", numbers, train);
  plot.line("test accuracy", numbers, test).save(file);
}

std::vector<std::string> class_names(const data::Dataset& dataset, const Tensor& labels) {
  std::vector<std::string> names;
  for (const int64_t label : labels.to_vector<int64_t>())
    names.push_back(dataset.class_names().at(static_cast<size_t>(label)));
  return names;
}

}  // namespace d2l::examples
