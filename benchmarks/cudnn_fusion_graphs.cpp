#include "benchmarks/cudnn_fusion_graphs.h"

namespace d2l::cuda {

template <>
struct AttributeType<cudnnGenStatsMode_t> : Is<CUDNN_TYPE_GENSTATS_MODE> {};

namespace {

constexpr int64_t kAlignment = 16;  // bytes

// In memory order: n, h, w, c.
Descriptor tensor(int64_t id, cudnnDataType_t type, std::array<int64_t, 4> s) {
  using Dims = std::array<int64_t, 4>;
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  made.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, Dims{s[0], s[3], s[1], s[2]})
      .set(CUDNN_ATTR_TENSOR_STRIDES, Dims{s[1] * s[2] * s[3], 1, s[2] * s[3], s[3]})
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, false)
      .finalize();
  return made;
}

Descriptor convolution(int64_t padding) {
  using Pair = std::array<int64_t, 2>;
  Descriptor made(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  made.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, Pair{padding, padding})
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, Pair{padding, padding})
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Pair{1, 1})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Pair{1, 1})
      .finalize();
  return made;
}

Descriptor sums_of(const Descriptor& y, const FusionCase& c) {
  Descriptor made(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, y)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC,
           tensor(FusionTensor::kSums, CUDNN_DATA_FLOAT, {1, 1, 1, c.out}))
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC,
           tensor(FusionTensor::kSquares, CUDNN_DATA_FLOAT, {1, 1, 1, c.out}))
      .finalize();
  return made;
}

Descriptor forward(const Descriptor& x, const Descriptor& weight, const Descriptor& y,
                   const FusionCase& c) {
  Descriptor made(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weight)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution(c.kernel / 2))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f)
      .finalize();
  return made;
}

Descriptor input_gradient(const Descriptor& x, const Descriptor& weight, const Descriptor& y,
                          const FusionCase& c, float beta) {
  Descriptor made(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, x)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, weight)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, y)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution(c.kernel / 2))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.0f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, beta)
      .finalize();
  return made;
}

}  // namespace

Descriptor fusion_graph(cudnnHandle_t handle, Fusion fusion, const FusionCase& c) {
  constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16;
  const Descriptor x = tensor(FusionTensor::kX, kBf16, {c.batch, c.side, c.side, c.in});
  const Descriptor weight = tensor(FusionTensor::kWeight, kBf16, {c.out, c.kernel, c.kernel, c.in});
  const Descriptor y = tensor(FusionTensor::kY, kBf16, {c.batch, c.side, c.side, c.out});
  std::vector<Descriptor> operations;
  if (fusion == Fusion::input_gradient || fusion == Fusion::added_gradient)
    operations.push_back(
        input_gradient(x, weight, y, c, fusion == Fusion::added_gradient ? 1.0f : 0.0f));
  else
    operations.push_back(forward(x, weight, y, c));
  if (fusion == Fusion::forward_with_sums) operations.push_back(sums_of(y, c));
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle)
      .set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations)
      .finalize();
  return graph;
}

std::vector<FusionPlan> fusion_plans(const Descriptor& graph, size_t most) {
  std::vector<FusionPlan> plans;
  for (cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (!heuristics.try_finalize()) continue;  // there are none
    for (Descriptor& config : heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                     CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)) {
      if (plans.size() == most) return plans;
      Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
      if (plan.try_finalize()) plans.push_back({std::move(config), std::move(plan)});
    }
  }
  return plans;
}

}  // namespace d2l::cuda
