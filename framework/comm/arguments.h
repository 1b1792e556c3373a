#pragma once

#include "framework/base/error.h"
#include "framework/comm/communicator.h"

namespace d2l {

// What every communicator demands of its callers. All throw Error.

inline void check_all_reduce(const View& data) {
  check(data.dtype == DType::f32 || data.dtype == DType::f64 || data.dtype == DType::i64,
        "all_reduce: expects f32, f64 or i64, found ", to_string(data.dtype));
}

inline void check_work(Communicator::Work work, Communicator::Work started) {
  check(work >= 1 && work <= started, "wait: expects one of the ", started,
        " works started so far, found number ", work);
}

inline void check_root(int root, int size) {
  check(root >= 0 && root < size, "broadcast: expects a root below ", size, ", found ", root);
}

inline void check_all_gather(const ConstView& mine, const View& all, int size) {
  check(mine.dtype == all.dtype, "all_gather: expects one dtype, found ", to_string(mine.dtype),
        " and ", to_string(all.dtype));
  check(all.elements() == mine.elements() * size, "all_gather: ", size, " ranks of ",
        mine.elements(), " elements need room for ", mine.elements() * size, ", found ",
        all.elements());
}

}  // namespace d2l
