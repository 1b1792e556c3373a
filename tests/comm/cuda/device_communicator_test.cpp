#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "framework/backend/cuda_module.h"
#include "framework/comm/nccl_entry.h"
#include "framework/comm/staged_communicator.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

// Both communicators with a single rank, for which device_communicator.h makes neither: the part
// that can be tested on one GPU.
namespace d2l::test {
namespace {

std::unique_ptr<Communicator> staged() {
  return std::make_unique<StagedCommunicator>(make_self_communicator(), device());
}

// nullptr if the module has no NCCL.
std::unique_ptr<Communicator> nccl() {
  decltype(&d2l_nccl_communicator) make = nullptr;
  try {
    make = reinterpret_cast<decltype(make)>(cuda_module_function("d2l_nccl_communicator"));
  } catch (const Error&) {
    return nullptr;
  }
  std::unique_ptr<Communicator> host = make_self_communicator();
  return std::unique_ptr<Communicator>(make(&host, device()));
}

using Make = std::unique_ptr<Communicator> (*)();
class DeviceCommunicator : public testing::TestWithParam<Make> {
 protected:
  void SetUp() override {
    comm = GetParam()();
    if (comm == nullptr) GTEST_SKIP() << "this module has no NCCL";
  }

  std::unique_ptr<Communicator> comm;
};

INSTANTIATE_TEST_SUITE_P(Transports, DeviceCommunicator, testing::Values(staged, nccl));

std::vector<float> count_to(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST_P(DeviceCommunicator, SumsOfOneRankAreItsOwn) {
  EXPECT_EQ(comm->size(), 1);
  EXPECT_FALSE(comm->describe().empty());
  std::vector<Tensor> tensors;
  std::vector<Communicator::Work> works;
  for (int64_t count : {1, 1000, 300'000}) {
    tensors.push_back(from_vector(device(), {count}, count_to(count)));
    works.push_back(comm->start_all_reduce(tensors.back().view()));
  }
  std::vector<float> on_host = count_to(7);
  works.push_back(comm->start_all_reduce({on_host.data(), DType::f32, {7}}));
  for (size_t i : {2, 0, 3, 1}) comm->wait(works[i]);
  for (const Tensor& tensor : tensors)
    EXPECT_EQ(tensor.to_vector<float>(), count_to(tensor.size(0)));
  EXPECT_EQ(on_host, count_to(7));
}

TEST_P(DeviceCommunicator, GathersAndSpreads) {
  Tensor mine = from_vector(device(), {500}, count_to(500)), all(device(), {500});
  comm->broadcast(mine.view(), 0);
  comm->all_gather(mine.view(), all.view());
  comm->barrier();
  EXPECT_EQ(all.to_vector<float>(), count_to(500));
}

TEST_P(DeviceCommunicator, MayBeAbandoned) {
  Tensor tensor = from_vector(device(), {1000}, count_to(1000));
  comm->start_all_reduce(tensor.view());
  comm->abandon();
}

}  // namespace
}  // namespace d2l::test
