#include "framework/comm/device_communicator.h"

#include "framework/backend/cuda_module.h"
#include "framework/comm/nccl_entry.h"
#include "framework/comm/staged_communicator.h"

namespace d2l {

std::unique_ptr<Communicator> make_device_communicator(std::unique_ptr<Communicator> host,
                                                       Backend& backend, Transport transport) {
  if (backend.device().kind == DeviceKind::cpu || host->size() == 1) return host;
  if (transport == Transport::host)
    return std::make_unique<StagedCommunicator>(std::move(host), backend);
  auto* make = reinterpret_cast<decltype(&d2l_nccl_communicator)>(
      cuda_module_function("d2l_nccl_communicator"));
  return std::unique_ptr<Communicator>(make(&host, backend));
}

}  // namespace d2l
