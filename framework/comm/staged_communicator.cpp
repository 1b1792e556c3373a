#include "framework/comm/staged_communicator.h"

#include "framework/comm/arguments.h"

namespace d2l {

StagedCommunicator::~StagedCommunicator() {
  // Their memory goes with this object.
  if (!pending_.empty()) host_->abandon();
}

StagedCommunicator::Bytes StagedCommunicator::fetched(ConstView data) {
  Bytes bytes;
  if (!spare_.empty()) {
    bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  bytes.resize(static_cast<size_t>(data.bytes()));
  backend_.copy_to_host(data, bytes.data());
  backend_.synchronize();
  return bytes;
}

// Waits, so that the bytes may go.
void StagedCommunicator::store(const Bytes& bytes, View data) {
  backend_.copy_from_host(bytes.data(), data);
  backend_.synchronize();
}

Communicator::Work StagedCommunicator::start_all_reduce(View data) {
  check_all_reduce(data);
  Pending pending;
  View host = data;
  if (on_device(data.data)) {
    pending.device = data;
    pending.bytes = fetched(data);
    host.data = pending.bytes.data();
  }
  pending.work = host_->start_all_reduce(host);
  pending_.emplace(++started_, std::move(pending));
  return started_;
}

void StagedCommunicator::wait(Work work) {
  check_work(work, started_);
  const auto found = pending_.find(work);
  check(found != pending_.end(), "wait: work ", work, " has been waited for before");
  Pending& pending = found->second;
  host_->wait(pending.work);
  if (pending.device) {
    store(pending.bytes, pending.device);
    spare_.push_back(std::move(pending.bytes));
  }
  pending_.erase(found);
}

void StagedCommunicator::broadcast(View data, int root) {
  if (!on_device(data.data)) return host_->broadcast(data, root);
  Bytes bytes = fetched(data);
  host_->broadcast({bytes.data(), data.dtype, data.shape}, root);
  store(bytes, data);
}

void StagedCommunicator::all_gather(ConstView mine, View all) {
  if (!on_device(all.data)) return host_->all_gather(mine, all);
  check_all_gather(mine, all, size());
  const Bytes one = fetched(mine);
  Bytes every(static_cast<size_t>(all.bytes()));
  host_->all_gather({one.data(), mine.dtype, mine.shape}, {every.data(), all.dtype, all.shape});
  store(every, all);
}

}  // namespace d2l
