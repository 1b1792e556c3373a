#include "framework/train/slice_sums.h"

#include <bit>
#include <utility>

#include "framework/base/error.h"

namespace d2l {

SliceSums::SliceSums(Tensor values, int64_t slices) : values_(std::move(values)), slices_(slices) {
  check(slices > 0 && std::has_single_bit(static_cast<uint64_t>(slices)),
        "slice sums: expected a power of two of slices, found ", slices);
  if (!values_.defined()) return;
  for (int64_t waiting = 1; waiting < slices; waiting *= 2)
    sums_.emplace_back(values_.backend(), values_.shape());
}

void SliceSums::add(int64_t slice, int64_t begin, int64_t end) {
  if (!values_.defined()) return;
  Backend& backend = values_.backend();
  Tensor sum = values_.rows(begin, end);
  const auto level = static_cast<size_t>(std::countr_one(static_cast<uint64_t>(slice)));
  for (size_t i = 0; i < level; ++i) {
    const Tensor lower = sums_[i].rows(begin, end);
    const bool waits = i + 1 == level && slice + 1 < slices_;
    Tensor to = waits ? sums_[level].rows(begin, end) : sum;
    backend.binary(Binary::add, lower.view(), sum.view(), to.view());
  }
  if (level == 0 && slices_ > 1) sums_[0].rows(begin, end).copy_from(sum);
}

void SliceSums::add(int64_t slice) {
  if (values_.defined()) add(slice, 0, values_.elements());
}

}  // namespace d2l
