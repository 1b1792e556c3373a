// Chapter 12: data parallelism. Each rank computes the gradients of its part of every batch; their
// sum over the ranks makes the same step on all of them. From the command line: mpirun d2l-train
//     mpirun -n 2 build/release/examples/ch12/several_devices

#include <d2l.h>

#include "examples/support/datasets.h"
#include "framework/comm/mpi_session.h"

using namespace d2l;

int main(int argc, char** argv) {
  using enum Activation;
  MpiSession session(&argc, &argv);
  const auto comm = session.communicator();
  const auto cpu = make_cpu_backend(std::max(1, session.local_cores() / session.local_size()));
  const UseBackend use(*cpu);

  nn::Sequential net(
      nn::Conv2d(1, 6, {.kernel = 5, .padding = 2, .activation = sigmoid}),
      nn::Pool2d(Pooling::average, 2, 2), nn::Conv2d(6, 16, {.kernel = 5, .activation = sigmoid}),
      nn::Pool2d(Pooling::average, 2, 2), nn::Flatten(), nn::Linear(400, 120, sigmoid),
      nn::Linear(120, 84, sigmoid), nn::Linear(84, 10));
  nn::ParameterSet parameters(net);  // the same initial values on every rank
  const auto sgd = make_sgd(parameters, {});
  data::Batches train(examples::open("fashion-mnist", data::Split::train),
                      {.batch_size = 256, .rank = comm->rank(), .ranks = comm->size()});
  for (int epoch = 1; epoch <= 2; ++epoch) {
    const Timer timer;
    Tensor loss = zeros({});
    for (const auto& [x, y] : train.epoch(epoch)) {
      parameters.zero_grad();
      Variable part = sum(cross_entropy(net(x), y).losses) / double(train.global_batch());
      part.backward();
      comm->all_reduce(parameters.gradients().view());
      sgd->step(0.9);
      loss += part.value();
    }
    comm->all_reduce(loss.view());
    const double seconds = timer.seconds();
    if (comm->rank() == 0)
      print("epoch", epoch, "on", comm->size(), "ranks: loss", double(loss) / double(train.size()),
            "-", double(train.samples()) / seconds, "examples/s");
  }
}
