// Chapter 4.4: a polynomial is fitted with the right number of terms, with too few and too many.
//     build/release/examples/ch04/polynomial_fit [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

constexpr int64_t kTrain = 100, kTest = 100, kDegree = 20;

// x^i / i! for i = 0, 1, ...
Tensor features_of(const Tensor& x) {
  std::vector<Tensor> columns = {ones_like(x)};
  for (int i = 1; i < kDegree; ++i) columns.push_back(columns.back() * x / i);
  return stack(columns, 1);
}

void fit(const std::string& name, const Tensor& features, const Tensor& labels, int64_t terms,
         const std::filesystem::path& picture) {
  const Tensor x = features(all, to(terms));
  nn::Sequential net(nn::Linear(terms, 1, Activation::none, {}, nn::Linear::Bias::no));
  nn::ParameterSet parameters(net);
  const auto sgd = make_sgd(parameters, {});
  data::Batches batches(
      std::make_shared<data::ArrayDataset>(x.rows(0, kTrain), labels.rows(0, kTrain)),
      {.batch_size = 10});
  const auto loss = [&](int64_t begin, int64_t end) {
    const NoGrad no_grad;
    return double(mean(square(reshape(net(x.rows(begin, end)), {-1}) - labels.rows(begin, end))));
  };
  std::vector<double> epochs, train, test;
  for (int epoch = 1; epoch <= 400; ++epoch) {
    for (const auto& [inputs, targets] : batches.epoch(epoch)) {
      parameters.zero_grad();
      mean(square(reshape(net(inputs), {-1}) - targets)).backward();
      sgd->step(0.01);
    }
    if (epoch > 1 && epoch % 20 != 0) continue;
    epochs.push_back(epoch);
    train.push_back(loss(0, kTrain));
    test.push_back(loss(kTrain, kTrain + kTest));
  }
  print(name, "- train loss", train.back(), "test loss", test.back(), "weight",
        parameters["0.weight"]);
  examples::Plot(name, "epoch", "loss")
      .line("train", epochs, train)
      .line("test", epochs, test)
      .log_y()
      .save(picture);
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  Tensor weights = zeros({kDegree});
  weights(to(4)) = tensor({5, 1.2, -3.4, 5.6});
  const Tensor features = features_of(random.normal({kTrain + kTest}));
  const Tensor labels = matmul(features, weights) + random.normal({kTrain + kTest}, 0, 0.1);

  fit("4 terms, as the data", features, labels, 4, arguments.file("polynomial_4.svg"));
  fit("2 terms: underfitting", features, labels, 2, arguments.file("polynomial_2.svg"));
  fit("20 terms: overfitting", features, labels, kDegree, arguments.file("polynomial_20.svg"));
}
