// Chapters 4.4 and 4.10: prices of houses from a CSV file, with K-fold cross-validation. From the
// command line: d2l-train with --kfold, see docs/data.md
//     build/release/examples/ch04/house_prices [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/plot.h"
#include "framework/base/files.h"

using namespace d2l;

struct Errors {
  std::vector<double> train, validation;  // after each epoch
};

double log_rmse(nn::Module& net, const Tensor& x, const Tensor& prices) {
  const NoGrad no_grad;
  const Tensor predicted = maximum(net(x).value().reshape({-1}), 1);
  return double(sqrt(mean(square(log(predicted) - log(prices)))));
}

// With an empty `test_x`: no validation.
Errors train(nn::Module& net, const Tensor& x, const Tensor& prices, const Tensor& test_x,
             const Tensor& test_prices, uint64_t seed) {
  nn::ParameterSet parameters(net, seed);
  const auto adam = make_adam(parameters, {});
  data::Batches batches(std::make_shared<data::ArrayDataset>(x, prices),
                        {.batch_size = 64, .seed = seed});
  Errors errors;
  for (int epoch = 0; epoch < 100; ++epoch) {
    for (const auto& [inputs, targets] : batches.epoch(epoch)) {
      parameters.zero_grad();
      mean(square(reshape(net(inputs), {-1}) - targets)).backward();
      adam->step(5);
    }
    errors.train.push_back(log_rmse(net, x, prices));
    if (test_x.defined()) errors.validation.push_back(log_rmse(net, test_x, test_prices));
  }
  return errors;
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const auto folder = examples::data_folder() / "house-prices";
  const data::TableFit fit = data::fit_table(
      folder / "kaggle_house_pred_train.csv",
      {folder / "kaggle_house_pred_train.csv", folder / "kaggle_house_pred_test.csv"},
      {.target = "SalePrice", .id_column = "Id"});
  const data::EncodedRows rows =
      data::encode_rows(folder / "kaggle_house_pred_train.csv", fit.form).rows;
  const Tensor x = tensor(rows.values).reshape({rows.rows(), -1}), prices = tensor(rows.targets);
  print(x.size(0), "houses with", x.size(1), "values");

  constexpr int64_t kFolds = 5;
  double train_error = 0, validation_error = 0;
  for (int64_t fold = 0; fold < kFolds; ++fold) {
    const int64_t begin = x.size(0) / kFolds * fold, end = begin + x.size(0) / kFolds;
    const auto rest = [&](const Tensor& all_rows) {
      return concat({all_rows.rows(0, begin), all_rows.rows(end, all_rows.size(0))});
    };
    nn::Sequential net(nn::Linear(x.size(1), 1));
    const Errors errors = train(net, rest(x), rest(prices), x.rows(begin, end),
                                prices.rows(begin, end), arguments.seed());
    print("fold", fold + 1, "train", errors.train.back(), "validation", errors.validation.back());
    train_error += errors.train.back() / kFolds;
    validation_error += errors.validation.back() / kFolds;
    if (fold > 0) continue;
    std::vector<double> epochs;
    for (int i = 1; i <= 100; ++i) epochs.push_back(i);
    examples::Plot("House prices, fold 1", "epoch", "log RMSE")
        .line("train", epochs, errors.train)
        .line("validation", epochs, errors.validation)
        .log_y()
        .save(arguments.file("house_prices.svg"));
  }
  print(kFolds, "folds: average train log RMSE", train_error, "validation log RMSE",
        validation_error);

  nn::Sequential net(nn::Linear(x.size(1), 1));
  train(net, x, prices, {}, {}, arguments.seed());
  const data::EncodedRows test =
      data::encode_rows(folder / "kaggle_house_pred_test.csv", fit.form, {.for_predictions = true})
          .rows;
  const std::vector<float> predicted =
      net(tensor(test.values).reshape({test.rows(), -1})).value().to_vector<float>();
  std::string submission = "Id,SalePrice\n";
  for (size_t i = 0; i < predicted.size(); ++i)
    submission += concat(test.ids[i], ",", predicted[i], "\n");
  write_text_file(arguments.file("submission.csv"), submission);
}
