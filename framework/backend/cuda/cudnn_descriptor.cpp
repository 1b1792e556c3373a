#include "framework/backend/cuda/cudnn_descriptor.h"

#include <algorithm>

namespace d2l::cuda {
namespace {

std::vector<cudnnBackendDescriptor_t> raw(const std::vector<Descriptor>& descriptors) {
  std::vector<cudnnBackendDescriptor_t> pointers;
  pointers.reserve(descriptors.size());
  for (const Descriptor& descriptor : descriptors) pointers.push_back(descriptor.get());
  return pointers;
}

}  // namespace

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  cudnnBackendDescriptor_t descriptor = nullptr;
  D2L_CUDNN(cudnnBackendCreateDescriptor(type, &descriptor));
  descriptor_.reset(descriptor);
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  void* const pointer = value.get();
  return set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &pointer);
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name,
                            const std::vector<Descriptor>& values) {
  const std::vector<cudnnBackendDescriptor_t> pointers = raw(values);
  return set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(pointers.size()),
                 pointers.data());
}

Descriptor& Descriptor::set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                int64_t count, const void* values) {
  D2L_CUDNN(cudnnBackendSetAttribute(get(), name, type, count, values));
  return *this;
}

void Descriptor::finalize() { D2L_CUDNN(cudnnBackendFinalize(get())); }

bool Descriptor::try_finalize() { return cudnnBackendFinalize(get()) == CUDNN_STATUS_SUCCESS; }

int64_t Descriptor::get_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                            int64_t most, void* values) const {
  int64_t count = 0;
  D2L_CUDNN(cudnnBackendGetAttribute(get(), name, type, most, &count, values));
  return std::min(count, most);
}

int64_t Descriptor::number(cudnnBackendAttributeName_t name) const {
  int64_t value = 0;
  get_raw(name, CUDNN_TYPE_INT64, 1, &value);
  return value;
}

Descriptor Descriptor::descriptor(cudnnBackendAttributeName_t name,
                                  cudnnBackendDescriptorType_t type) const {
  Descriptor found(type);  // created here, filled by the call below
  cudnnBackendDescriptor_t pointer = found.get();
  check(get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &pointer) == 1, "cuDNN has no attribute ",
        name);
  return found;
}

std::vector<Descriptor> Descriptor::descriptors(cudnnBackendAttributeName_t name,
                                                cudnnBackendDescriptorType_t type) const {
  int64_t most = 0;
  D2L_CUDNN(
      cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &most, nullptr));
  std::vector<Descriptor> found;
  for (int64_t i = 0; i < most; ++i) found.emplace_back(type);
  if (most == 0) return found;
  std::vector<cudnnBackendDescriptor_t> pointers = raw(found);
  const int64_t count = get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, pointers.data());
  found.erase(found.begin() + count, found.end());
  return found;
}

}  // namespace d2l::cuda
