#pragma once

#include <map>
#include <memory>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

namespace d2l {

// Operations on a device's memory are done by another communicator, on copies in host memory; the
// result is copied back in wait().
class StagedCommunicator final : public Communicator {
 public:
  StagedCommunicator(std::unique_ptr<Communicator> host, Backend& backend)
      : Communicator(host->rank(), host->size()), host_(std::move(host)), backend_(backend) {}
  ~StagedCommunicator() override;

  std::string describe() const override { return host_->describe() + " through the host's memory"; }
  std::vector<Range> parts(int64_t elements) const override { return host_->parts(elements); }
  void check_peers() override { host_->check_peers(); }
  void abandon() noexcept override { host_->abandon(); }

 private:
  using Bytes = std::vector<char>;
  struct Pending {
    View device;       // empty: the operation is on host memory
    Bytes data, mine;  // copies of the operation's views
    Work host_work = 0;
  };

  void do_start(Work work, const Collective& op) override;
  void do_wait(Work work) override;

  bool on_device(const void* data) const { return backend_.pool().owns(data); }
  Bytes take_buffer(int64_t bytes);
  Bytes fetch(ConstView data);
  void store(const Bytes& bytes, View data);

  std::unique_ptr<Communicator> host_;
  Backend& backend_;
  std::map<Work, Pending> pending_;
  std::vector<Bytes> spare_;  // buffers of finished operations, to be used again
};

}  // namespace d2l
