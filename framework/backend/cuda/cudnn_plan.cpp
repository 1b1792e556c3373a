#include "framework/backend/cuda/cudnn_plan.h"

#include <algorithm>

namespace d2l::cuda {
namespace {

using Notes = std::vector<cudnnBackendNumericalNote_t>;

Notes notes_of(const Descriptor& engine) {
  return engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                    CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
}

bool is_compiled(const Descriptor& engine) {
  const auto notes = engine.values<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                               CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
  return std::count(notes.begin(), notes.end(), CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) > 0;
}

}  // namespace

ConvolutionPlan::ConvolutionPlan(Descriptor config, bool has_bias)
    : config_(std::move(config)),
      plan_(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR),
      has_bias_(has_bias) {
  plan_.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config_);
  is_usable_ = plan_.try_finalize();
  if (is_usable_) workspace_ = plan_.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
}

cudnnStatus_t ConvolutionPlan::execute(cudnnHandle_t handle, const ConvolutionTensors& tensors,
                                       void* workspace) const {
  std::vector<int64_t> ids{TensorId::kX, TensorId::kWeight, TensorId::kY};
  std::vector<void*> places;
  for (const void* place : {tensors.x, tensors.weight, tensors.y})
    places.push_back(const_cast<void*>(place));  // cuDNN's interface is not const-correct
  if (has_bias_) {
    ids.push_back(TensorId::kBias);
    places.push_back(const_cast<void*>(tensors.bias));
  }
  Descriptor arguments(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  arguments.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, places)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace)
      .finalize();
  return cudnnBackendExecute(handle, plan_.get(), arguments.get());
}

ConvolutionEngines::ConvolutionEngines(cudnnHandle_t handle, const ConvolutionProblem& problem,
                                       const EngineRules& rules)
    : has_bias_(problem.bias), rules_(rules), graph_(convolution_graph(handle, problem)) {
  ask(CUDNN_HEUR_MODE_A);
}

void ConvolutionEngines::ask(cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  at_ = 0;
  configs_.clear();
  if (!heuristics.try_finalize()) return;  // there are none
  configs_ =
      heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
}

bool ConvolutionEngines::is_allowed(const Descriptor& engine) const {
  const Notes notes = notes_of(engine);
  return std::none_of(notes.begin(), notes.end(), [&](cudnnBackendNumericalNote_t note) {
    switch (note) {
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        return !rules_.tensor_cores;
      case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
        return rules_.deterministic;
      case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
      case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      case CUDNN_NUMERICAL_NOTE_FFT:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
        return true;
      default:
        return false;
    }
  });
}

std::unique_ptr<ConvolutionPlan> ConvolutionEngines::next(int64_t most_workspace,
                                                          int most_compiled) {
  for (;; ++at_) {
    if (at_ == configs_.size()) {
      if (has_asked_for_fallbacks_) return nullptr;
      has_asked_for_fallbacks_ = true;
      ask(CUDNN_HEUR_MODE_FALLBACK);
      if (configs_.empty()) return nullptr;
    }
    const Descriptor engine =
        configs_[at_].descriptor(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (!is_allowed(engine)) continue;
    if (is_compiled(engine) && ++compiled_ > most_compiled) continue;
    auto plan = std::make_unique<ConvolutionPlan>(std::move(configs_[at_]), has_bias_);
    if (!plan->is_usable() || plan->workspace() > most_workspace) continue;
    ++at_;
    return plan;
  }
}

}  // namespace d2l::cuda
