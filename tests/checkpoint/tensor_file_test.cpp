#include "framework/checkpoint/tensor_file.h"

#include <gtest/gtest.h>

#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

TEST(TensorFile, GivesBackWhatWasSaved) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "two.safetensors";
  save_tensors(path, {{"a", tensor({{1, 2.5}, {-3, 4}})}, {"b.c", tensor({7, 8}, DType::i64)}});
  const std::map<std::string, Tensor> found = load_tensors(path);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.at("a").shape(), (Shape{2, 2}));
  EXPECT_TRUE(close(found.at("a"), {1, 2.5, -3, 4}, 0, 0));
  EXPECT_TRUE(close(found.at("b.c"), {7, 8}, 0, 0));
}

TEST(TensorFile, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of([&] {
              save_tensors(folder.path() / "a", {{"x", Tensor()}});
            }),
            "save_tensors: 'x' is an undefined tensor");
  EXPECT_THROW(load_tensors(folder.path() / "absent"), Error);
  EXPECT_THROW(save_tensors(folder.path() / "no/such/folder", {{"x", tensor({1})}}), Error);
}

}  // namespace
}  // namespace d2l::test
