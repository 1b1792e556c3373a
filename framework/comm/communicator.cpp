#include "framework/comm/communicator.h"

#include <algorithm>

#include "framework/base/error.h"

namespace d2l {

Communicator::Work Communicator::start(const Collective& op) {
  op.check_arguments(size_);
  do_start(started_ + 1, op);
  open_.push_back(++started_);
  return started_;
}

void Communicator::wait(Work work) {
  check(work >= 1 && work <= started_, "wait: expects one of the ", started_,
        " works started so far, found number ", work);
  const auto found = std::find(open_.begin(), open_.end(), work);
  check(found != open_.end(), "wait: work ", work, " has been waited for before");
  do_wait(work);
  open_.erase(found);
}

// The sum is known to nobody before every rank has given its part.
void Communicator::barrier() {
  int64_t nothing = 0;
  all_reduce({&nothing, DType::i64, Shape{1}});
}

}  // namespace d2l
