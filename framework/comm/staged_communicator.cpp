#include "framework/comm/staged_communicator.h"

namespace d2l {

StagedCommunicator::~StagedCommunicator() {
  // The buffers are freed with this object.
  if (!pending_.empty()) host_->abandon();
}

StagedCommunicator::Bytes StagedCommunicator::take_buffer(int64_t bytes) {
  Bytes buffer;
  if (!spare_.empty()) {
    buffer = std::move(spare_.back());
    spare_.pop_back();
  }
  buffer.resize(static_cast<size_t>(bytes));
  return buffer;
}

StagedCommunicator::Bytes StagedCommunicator::fetch(ConstView data) {
  Bytes bytes = take_buffer(data.bytes());
  backend_.copy_to_host(data, bytes.data());
  backend_.synchronize();
  return bytes;
}

// Waits for the copy, so that the buffer can be used again.
void StagedCommunicator::store(const Bytes& bytes, View data) {
  backend_.copy_from_host(bytes.data(), data);
  backend_.synchronize();
}

void StagedCommunicator::do_start(Work work, const Collective& op) {
  Pending pending;
  Collective on_host = op;
  if (on_device(op.data.data)) {
    pending.device = op.data;
    if (op.kind == Collective::Kind::all_gather) {
      pending.mine = fetch(op.mine);
      pending.data = take_buffer(op.data.bytes());
    } else {
      pending.data = fetch(op.data);
    }
    on_host.data.data = pending.data.data();
    on_host.mine.data = pending.mine.data();
  }
  pending.host_work = host_->start(on_host);
  pending_.emplace(work, std::move(pending));
}

void StagedCommunicator::do_wait(Work work) {
  const auto found = pending_.find(work);
  Pending& pending = found->second;
  host_->wait(pending.host_work);
  if (pending.device) {
    store(pending.data, pending.device);
    spare_.push_back(std::move(pending.data));
    if (!pending.mine.empty()) spare_.push_back(std::move(pending.mine));
  }
  pending_.erase(found);
}

}  // namespace d2l
