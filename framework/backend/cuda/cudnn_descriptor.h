#pragma once

#include <array>
#include <type_traits>
#include <vector>

#include "framework/backend/cuda/handles.h"

namespace d2l::cuda {

// cuDNN's identifier for the type of an attribute.
template <cudnnBackendAttributeType_t type>
using Is = std::integral_constant<cudnnBackendAttributeType_t, type>;
template <class T>
struct AttributeType;
template <>
struct AttributeType<int64_t> : Is<CUDNN_TYPE_INT64> {};
template <>
struct AttributeType<bool> : Is<CUDNN_TYPE_BOOLEAN> {};
template <>
struct AttributeType<float> : Is<CUDNN_TYPE_FLOAT> {};
template <>
struct AttributeType<void*> : Is<CUDNN_TYPE_VOID_PTR> {};
template <>
struct AttributeType<cudnnHandle_t> : Is<CUDNN_TYPE_HANDLE> {};
template <>
struct AttributeType<cudnnDataType_t> : Is<CUDNN_TYPE_DATA_TYPE> {};
template <>
struct AttributeType<cudnnConvolutionMode_t> : Is<CUDNN_TYPE_CONVOLUTION_MODE> {};
template <>
struct AttributeType<cudnnPointwiseMode_t> : Is<CUDNN_TYPE_POINTWISE_MODE> {};
template <>
struct AttributeType<cudnnNanPropagation_t> : Is<CUDNN_TYPE_NAN_PROPOGATION> {};
template <>
struct AttributeType<cudnnBackendHeurMode_t> : Is<CUDNN_TYPE_HEUR_MODE> {};
template <>
struct AttributeType<cudnnBackendNumericalNote_t> : Is<CUDNN_TYPE_NUMERICAL_NOTE> {};
template <>
struct AttributeType<cudnnBackendBehaviorNote_t> : Is<CUDNN_TYPE_BEHAVIOR_NOTE> {};

// An object of cuDNN's graph interface. Set its attributes, finalize it, then use it.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
    return set_raw(name, AttributeType<T>::value, 1, &value);
  }
  template <class T, size_t kCount>
  Descriptor& set(cudnnBackendAttributeName_t name, const std::array<T, kCount>& values) {
    return set_raw(name, AttributeType<T>::value, int64_t{kCount}, values.data());
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    return set_raw(name, AttributeType<T>::value, static_cast<int64_t>(values.size()),
                   values.data());
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value);
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& values);

  void finalize();
  bool try_finalize();  // false: cuDNN does not support it

  int64_t number(cudnnBackendAttributeName_t name) const;
  // Returns at most `most` values.
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, int64_t most) const {
    std::vector<T> found(static_cast<size_t>(most));
    found.resize(static_cast<size_t>(get_raw(name, AttributeType<T>::value, most, found.data())));
    return found;
  }
  Descriptor descriptor(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const;
  std::vector<Descriptor> descriptors(cudnnBackendAttributeName_t name,
                                      cudnnBackendDescriptorType_t type) const;

  cudnnBackendDescriptor_t get() const { return descriptor_.get(); }

 private:
  Descriptor& set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                      int64_t count, const void* values);
  // Returns the number of available values, at most `most`.
  int64_t get_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t most,
                  void* values) const;

  CudnnDescriptor descriptor_;
};

}  // namespace d2l::cuda
