#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "framework/backend/backend.h"

namespace d2l {

// Work queued on a backend, oldest first; the host reads its results later, so that a GPU always
// has the next piece of work in its queue. On a CPU, work completes within the call that queues it.
// An Item has a member `uint64_t event`, recorded after its work.
template <class Item>
class InFlight {
 public:
  explicit InFlight(Backend& backend)
      : backend_(backend), ahead_(backend.device().kind == DeviceKind::cpu ? 0 : 1) {}

  template <class... Values>
  Item& add(Values&&... values) {
    return items_.emplace_back(std::forward<Values>(values)...);
  }

  bool empty() const { return items_.empty(); }
  // Whether the oldest item must be completed before more work is queued.
  bool is_full() const { return items_.size() > ahead_; }
  // Whether the host gets the results of each item before it queues the next one.
  bool completes_at_once() const { return ahead_ == 0; }

  Item& oldest() { return items_.front(); }
  // Waits for the results of the oldest item and calls `poll` meanwhile.
  void await_oldest(const std::function<void()>& poll = {}) {
    backend_.wait_event(oldest().event, poll);
  }
  void drop_oldest() { items_.pop_front(); }

 private:
  Backend& backend_;
  size_t ahead_;  // by how many items the host may be ahead of the device
  std::deque<Item> items_;
};

}  // namespace d2l
