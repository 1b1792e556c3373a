#pragma once

#include <string>

#include "framework/backend/view.h"

namespace d2l {

// An operation in which all ranks of a group take part, each with the same kind, type and sizes.
struct Collective {
  enum class Kind {
    all_reduce,      // data = the element-wise sum of all ranks' data; f32, f64 or i64
    broadcast,       // data = root's data; any dtype
    all_gather,      // data = all ranks' `mine`, in rank order; any dtype
    reduce_scatter,  // as all_reduce, but only this rank's parts are defined afterwards; f32
    gather_parts,    // data = every rank's parts of its data; f32. See Communicator::parts()
  };

  Kind kind = Kind::all_reduce;
  View data;
  ConstView mine = {};
  int root = 0;
  const char* label = nullptr;  // a literal, for traces; nullptr: its kind

  // Throws Error unless the arguments suit each other and a group of `size` ranks.
  void check_arguments(int size) const;
  const char* name() const;      // "all-reduce"
  std::string describe() const;  // "all-reduce of 262,144 f32"
};

}  // namespace d2l
