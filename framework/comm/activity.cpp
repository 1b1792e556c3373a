#include "framework/comm/activity.h"

#include <algorithm>

#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"

namespace d2l {
std::string RankProgress::doing_text() const {
  if (waits > 0) return "waiting for other ranks";
  switch (doing) {
    case Doing::starting:
      return "starting";
    case Doing::loading:
      return "loading data";
    case Doing::computing:
      return "computing";
    case Doing::evaluating:
      return "evaluating";
    case Doing::saving:
      return "saving";
    case Doing::recording:
      return "writing metrics.csv and log.txt";
    case Doing::ending:
      return "ending";
  }
  return concat("doing something unknown (", static_cast<uint32_t>(doing), ")");
}

std::string RankProgress::collective_text() const {
  if (collectives == 0) return "none";
  const Collective op{.kind = kind,
                      .data = {nullptr, dtype, Shape{elements}},
                      .mine = {nullptr, dtype, Shape{own_elements}},
                      .root = root};
  return concat(with_thousands(collectives), " (", op.describe(), ")");
}

// Read by a watching thread, which must never see the new state with the old time.
void Activity::got_on() { set(since_, steady_seconds()); }

void Activity::restart(int first_rank) {
  got_on();
  set(steps_, int64_t{0});
  set(first_rank_, first_rank);
  set(doing_, Doing::starting);
  for (std::atomic<double>* sum :
       {&step_seconds_, &data_seconds_, &whole_seconds_, &usual_seconds_})
    set(*sum, 0.0);
}

void Activity::begin(Doing doing) {
  got_on();
  set(doing_, doing);
}

void Activity::end_step(double own, double data, double whole) {
  constexpr int64_t kMost = 16;  // steps that the average follows
  const int64_t count = steps_ + 1;
  // A single slow step, such as one in which a file system hung, is no usual one.
  const double usual = count == 1 ? whole : std::min(whole, 2 * usual_seconds_);
  const double share = 1 / static_cast<double>(std::min(count, kMost));
  set(step_seconds_, step_seconds_ + own);
  set(data_seconds_, data_seconds_ + data);
  set(whole_seconds_, whole_seconds_ + whole);
  set(usual_seconds_, usual_seconds_ + share * (usual - usual_seconds_));
  set(steps_, count);
}

void Activity::started(const Collective& op) {
  got_on();
  set(kind_, op.kind);
  set(dtype_, op.data.dtype);
  set(elements_, op.data.elements());
  set(own_elements_, op.kind == Collective::Kind::all_gather ? op.mine.elements() : 0);
  set(root_, op.root);
  set(collectives_, collectives_ + 1);
}

void Activity::begin_wait() {
  got_on();
  set(waits_, true);
}

void Activity::end_wait() {
  const double begin = since_;
  got_on();
  set(waited_, waited_ + since_ - begin);
  set(waits_, false);
}

RankProgress Activity::read() const {
  RankProgress progress{.doing = doing_, .waits = waits_ ? 1U : 0U, .first_rank = first_rank_};
  progress.root = root_;
  progress.step = step_;
  progress.collectives = collectives_;
  progress.kind = kind_;
  progress.dtype = dtype_;
  progress.elements = elements_;
  progress.own_elements = own_elements_;
  progress.steps = steps_;
  progress.step_seconds = step_seconds_;
  progress.data_seconds = data_seconds_;
  progress.whole_seconds = whole_seconds_;
  progress.usual_seconds = usual_seconds_;
  progress.still = std::max(steady_seconds() - since_, 0.0);
  return progress;
}

}  // namespace d2l
