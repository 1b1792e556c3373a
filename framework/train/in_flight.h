#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "framework/backend/backend.h"

namespace d2l {

// Work that is queued on a backend, oldest first, and whose results the host reads later: a GPU
// always has the next piece of work in its queue. On a CPU nothing is ever in flight for longer
// than its own call. An Item has a member `uint64_t event`, recorded after its work.
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
  // Whether the oldest must be completed before more work is queued.
  bool is_full() const { return items_.size() > ahead_; }
  // Whether the host knows the results of a piece of work before it queues the next.
  bool completes_at_once() const { return ahead_ == 0; }

  Item& oldest() { return items_.front(); }
  // Until its results are there; `poll` is called while the backend works.
  void await_oldest(const std::function<void()>& poll = {}) {
    backend_.wait_event(oldest().event, poll);
  }
  void drop_oldest() { items_.pop_front(); }

 private:
  Backend& backend_;
  size_t ahead_;  // pieces of work that the host is ahead of the device
  std::deque<Item> items_;
};

}  // namespace d2l
