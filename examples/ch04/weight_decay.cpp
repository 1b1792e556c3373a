// Chapter 4.5: few samples and many inputs, with and without weight decay.
//     build/release/examples/ch04/weight_decay [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

constexpr int64_t kTrain = 20, kTest = 100, kInputs = 200;

void train(const Tensor& x, const Tensor& y, double decay, const std::filesystem::path& picture) {
  nn::Sequential net(nn::Linear(kInputs, 1, Activation::none, {.weight = nn::normal(0, 1)}));
  nn::ParameterSet parameters(net);
  const auto sgd = make_sgd(parameters, {.weight_decay = decay, .decay = Decay::weights});
  data::Batches batches(std::make_shared<data::ArrayDataset>(x.rows(0, kTrain), y.rows(0, kTrain)),
                        {.batch_size = 5});
  const auto loss = [&](int64_t begin, int64_t end) {
    const NoGrad no_grad;
    return double(mean(square(reshape(net(x.rows(begin, end)), {-1}) - y.rows(begin, end)) / 2));
  };
  std::vector<double> epochs, train_losses, test_losses;
  for (int epoch = 1; epoch <= 100; ++epoch) {
    for (const auto& [inputs, targets] : batches.epoch(epoch)) {
      parameters.zero_grad();
      mean(square(reshape(net(inputs), {-1}) - targets) / 2).backward();
      sgd->step(0.003);
    }
    if (epoch % 5 != 0) continue;
    epochs.push_back(epoch);
    train_losses.push_back(loss(0, kTrain));
    test_losses.push_back(loss(kTrain, kTrain + kTest));
  }
  print("weight decay", decay, "- L2 norm of w:", norm_l2(parameters["0.weight"].value()));
  examples::Plot(concat("Weight decay ", decay), "epoch", "loss")
      .line("train", epochs, train_losses)
      .line("test", epochs, test_losses)
      .log_y()
      .save(picture);
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  const Tensor x = random.normal({kTrain + kTest, kInputs});
  const Tensor y = 0.05 + 0.01 * sum(x, {1}) + random.normal({kTrain + kTest}, 0, 0.01);
  train(x, y, 0, arguments.file("weight_decay_0.svg"));
  train(x, y, 3, arguments.file("weight_decay_3.svg"));
}
