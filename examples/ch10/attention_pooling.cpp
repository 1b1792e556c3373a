// Chapter 10.2: attention pooling, Nadaraya-Watson kernel regression without and with a learned
// width.
//     build/release/examples/ch10/attention_pooling [FOLDER [SEED]]

#include <d2l.h>

#include <algorithm>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

Tensor truth(const Tensor& x) { return 2 * sin(x) + pow(x, 0.8); }

// For each query, the average of the values, weighted by how near their keys are: queries [n], keys
// and values [m] or [n, m], width [1].
struct Pooled {
  Variable result, weights;
};
Pooled pool(const Tensor& queries, const Tensor& keys, const Tensor& values,
            const Variable& width) {
  const Variable distance = (queries.reshape({-1, 1}) - keys) * width;
  const Variable weights = softmax(-square(distance) / 2);
  return {sum(weights * values, {1}), weights};
}

// Row i of the result: all of x but x[i].
Tensor all_others(const Tensor& x) {
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < x.size(0); ++i) rows.push_back(concat({x(to(i)), x(from(i + 1))}));
  return stack(rows);
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  std::vector<float> points = random.uniform({50}, 0, 5).to_vector<float>();
  std::ranges::sort(points);
  const Tensor x = tensor(points), y = truth(x) + random.normal({50}, 0, 0.5);
  const Tensor queries = arange(0, 5, 0.1), expected = truth(queries);
  const auto error = [&](const Tensor& found) { return mean(square(found - expected)); };

  const Tensor average = broadcast_to(mean(y).reshape({1}), {50});
  const Pooled plain = pool(queries, x, y, ones({1}));
  print("error of the average:", error(average));
  print("error of attention:", error(plain.result.value()));

  Variable width(random.uniform({1}), true);
  const Tensor keys = all_others(x), values = all_others(y);
  for (int epoch = 1; epoch <= 5; ++epoch) {
    Variable loss = sum(square(pool(x, keys, values, width).result - y));
    loss.backward();
    print("epoch", epoch, "loss", loss);
    width.value() -= 0.5 * width.grad();
    width.zero_grad();
  }
  const Pooled learned = pool(queries, x, y, width);
  print("error of attention with a learned width:", error(learned.result.value()));

  examples::Plot plot("Kernel regression as attention", "x", "y");
  plot.line("truth", queries, expected).points("samples", x, y);
  plot.line("attention", queries, plain.result.value());
  plot.line("learned width", queries, learned.result.value());
  plot.save(arguments.file("attention_pooling.svg"));
  examples::save_heat_map(arguments.file("attention_weights.svg"), "Attention weights",
                          plain.weights.value(), "keys", "queries");
  examples::save_heat_map(arguments.file("attention_weights_learned.svg"), "Weights, learned width",
                          learned.weights.value(), "keys", "queries");
}
