#include "framework/backend/cuda/cudnn_graph.h"

namespace d2l::cuda {
namespace {

using Dims = std::array<int64_t, 4>;

cudnnDataType_t type_of(DType dtype) {
  if (dtype == DType::f16) return CUDNN_DATA_HALF;
  return dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// A tensor stored as N, H, W, C. cuDNN's axes are N, C, H, W, whatever the order in memory. A
// virtual tensor is never stored.
struct TensorOptions {
  int64_t id = 0;
  DType dtype = DType::f32;
  bool is_virtual = false;
};

Descriptor make_tensor(const Shape& s, const TensorOptions& options) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, options.id)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type_of(options.dtype))
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kTensorAlignment)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, Dims{s[0], s[3], s[1], s[2]})
      .set(CUDNN_ATTR_TENSOR_STRIDES, Dims{s[1] * s[2] * s[3], 1, s[2] * s[3], s[3]})
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, options.is_virtual)
      .finalize();
  return tensor;
}

Descriptor make_convolution(const Conv2dParams& params) {
  using Pair = std::array<int64_t, 2>;
  const Pair padding{params.padding.height, params.padding.width};
  Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding)
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding)
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Pair{params.stride.height, params.stride.width})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Pair{1, 1})
      .finalize();
  return convolution;
}

// cuDNN's names for the parts of each pass.
struct PassNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t x, weight, y, convolution, alpha, beta;
};

PassNames names_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvolutionPass::backward_input:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case ConvolutionPass::backward_weight:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
}

Descriptor convolve(const ConvolutionProblem& problem, const Descriptor& y) {
  const PassNames names = names_of(problem.pass);
  Descriptor operation(names.operation);
  operation.set(names.x, make_tensor(problem.x, {.id = TensorId::kX, .dtype = problem.dtype}))
      .set(names.weight,
           make_tensor(problem.weight, {.id = TensorId::kWeight, .dtype = problem.dtype}))
      .set(names.y, y)
      .set(names.convolution, make_convolution(problem.params))
      .set(names.alpha, 1.0f)
      .set(names.beta, problem.accumulate ? 1.0f : 0.0f)
      .finalize();
  return operation;
}

Descriptor make_pointwise(cudnnPointwiseMode_t mode) {
  Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  function.set(CUDNN_ATTR_POINTWISE_MODE, mode)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  if (mode == CUDNN_POINTWISE_RELU_FWD)
    function.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN);
  function.finalize();
  return function;
}

Descriptor add_bias(const ConvolutionProblem& problem, const Descriptor& from,
                    const Descriptor& to) {
  const Shape bias{1, 1, 1, problem.weight[0]};
  Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, make_pointwise(CUDNN_POINTWISE_ADD))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
           make_tensor(bias, {.id = TensorId::kBias, .dtype = problem.dtype}))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to)
      .finalize();
  return operation;
}

Descriptor relu(const Descriptor& from, const Descriptor& to) {
  Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation
      .set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, make_pointwise(CUDNN_POINTWISE_RELU_FWD))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to)
      .finalize();
  return operation;
}

}  // namespace

ConvolutionProblem::Key ConvolutionProblem::key() const {
  return {static_cast<int64_t>(pass),
          static_cast<int64_t>(dtype),
          bias,
          relu,
          accumulate,
          params.stride.height,
          params.stride.width,
          params.padding.height,
          params.padding.width,
          x[0],
          x[1],
          x[2],
          x[3],
          weight[0],
          weight[1],
          weight[2]};
}

std::string to_string(const ConvolutionProblem& problem) {
  const char* passes[] = {"convolution", "gradient of the input of a convolution",
                          "gradient of the weights of a convolution"};
  const Conv2dParams& params = problem.params;
  return concat(passes[static_cast<size_t>(problem.pass)], " of ", problem.x, " with ",
                problem.weight, ", stride ", params.stride.height, " x ", params.stride.width,
                ", padding ", params.padding.height, " x ", params.padding.width, ", ",
                to_string(problem.dtype), problem.accumulate ? ", added to what is there" : "");
}

Descriptor convolution_graph(cudnnHandle_t handle, const ConvolutionProblem& problem) {
  // The result of each step is virtual, f32 and gets the next free identifier, except for the last
  // one.
  const int steps = 1 + problem.bias + problem.relu;
  std::vector<Descriptor> results;
  for (int step = 1; step <= steps; ++step) {
    const TensorOptions stored{.id = TensorId::kY, .dtype = problem.dtype};
    const TensorOptions passed_on{.id = TensorId::kBias + step, .is_virtual = true};
    results.push_back(make_tensor(problem.y, step == steps ? stored : passed_on));
  }
  std::vector<Descriptor> operations;
  operations.push_back(convolve(problem, results[0]));
  if (problem.bias) operations.push_back(add_bias(problem, results[0], results[1]));
  if (problem.relu) operations.push_back(relu(*(results.end() - 2), results.back()));
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle)
      .set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations)
      .finalize();
  return graph;
}

}  // namespace d2l::cuda
