// Chapter 10.3: masked softmax, additive attention and scaled dot-product attention.
//     build/release/examples/ch10/attention_scoring [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  const Tensor scores = random.uniform({2, 2, 4});
  print("masked softmax:", masked_softmax(scores, tensor({2, 3}, DType::i64)));
  print("for each query:", masked_softmax(scores, tensor({{1, 3}, {2, 4}}, DType::i64)));

  const Tensor keys = ones({2, 10, 2}), lengths = tensor({2, 6}, DType::i64);
  const Tensor values = broadcast_to(arange(40).reshape({1, 10, 4}), {2, 10, 4});
  nn::AdditiveAttention additive(20, 2, 8);
  const nn::ParameterSet parameters(additive);
  print("additive attention:", additive.forward(random.normal({2, 1, 20}), keys, values, lengths));

  nn::DotProductAttention product;
  const Tensor queries = random.normal({2, 1, 2});
  print("dot-product attention:", product.forward(queries, keys, values, lengths));

  const Tensor equal = matmul(queries, permute(keys, {0, 2, 1})) / std::sqrt(2.0);
  examples::save_heat_map(arguments.file("masked_attention.svg"),
                          "Attention weights: equal keys, 2 and 6 of them valid",
                          masked_softmax(equal, lengths).value().reshape({2, 10}), "keys",
                          "queries");
}
