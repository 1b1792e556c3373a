#include "launcher/step_timing.h"

namespace d2l::launcher {

using Event = StepTimeline::Event;

void TimingCommunicator::begin() {
  backend_.synchronize();
  timeline_ = {};
  last_ = 0;
  records_ = true;
  timer_.restart();
}

StepTimeline TimingCommunicator::end() {
  timeline_.rest = seconds_since_last();
  records_ = false;
  return std::move(timeline_);
}

double TimingCommunicator::seconds_since_last() {
  backend_.synchronize();
  const double now = timer_.seconds();
  return now - std::exchange(last_, now);
}

void TimingCommunicator::do_start(Work work, const Collective& op) {
  if (!records_) return;
  timeline_.events.push_back({.compute = seconds_since_last(),
                              .what = Event::What::start,
                              .operation = work,
                              .kind = op.kind,
                              .bytes = op.data.bytes()});
}

void TimingCommunicator::do_wait(Work work) {
  if (!records_) return;
  timeline_.events.push_back(
      {.compute = seconds_since_last(), .what = Event::What::wait, .operation = work});
}

}  // namespace d2l::launcher
