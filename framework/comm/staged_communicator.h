#pragma once

#include <map>
#include <memory>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

namespace d2l {

// Copies what lies in a device's memory to the host, has another communicator do its work there
// and copies the result back.
class StagedCommunicator final : public Communicator {
 public:
  StagedCommunicator(std::unique_ptr<Communicator> host, Backend& backend)
      : host_(std::move(host)), backend_(backend) {}
  ~StagedCommunicator() override;

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  std::string describe() const override { return host_->describe() + " through the host's memory"; }

  Work start_all_reduce(View data) override;
  void wait(Work work) override;
  void broadcast(View data, int root) override;
  void all_gather(ConstView mine, View all) override;
  void barrier() override { host_->barrier(); }
  void abandon() noexcept override { host_->abandon(); }

 private:
  using Bytes = std::vector<char>;
  struct Pending {
    View device;  // empty: the data lie on the host
    Bytes bytes;
    Work work = 0;  // of host_
  };

  bool on_device(const void* data) const { return backend_.pool().owns(data); }
  Bytes fetched(ConstView data);
  void store(const Bytes& bytes, View data);

  std::unique_ptr<Communicator> host_;
  Backend& backend_;
  std::map<Work, Pending> pending_;
  std::vector<Bytes> spare_;  // memory of finished works
  Work started_ = 0;
};

}  // namespace d2l
