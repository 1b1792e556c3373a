#include "launcher/traced_steps.h"

namespace d2l::launcher {

using Event = StepTrace::Event;

void TracingCommunicator::begin() {
  backend_.synchronize();
  trace_ = {};
  last_ = 0;
  records_ = true;
  timer_.restart();
}

StepTrace TracingCommunicator::end() {
  trace_.rest = seconds_since_last();
  records_ = false;
  return std::move(trace_);
}

double TracingCommunicator::seconds_since_last() {
  backend_.synchronize();
  const double now = timer_.seconds();
  return now - std::exchange(last_, now);
}

void TracingCommunicator::do_start(Work work, const Collective& op) {
  if (!records_) return;
  trace_.events.push_back({.compute = seconds_since_last(),
                           .what = Event::What::start,
                           .operation = work,
                           .kind = op.kind,
                           .bytes = op.data.bytes()});
}

void TracingCommunicator::do_wait(Work work) {
  if (!records_) return;
  trace_.events.push_back(
      {.compute = seconds_since_last(), .what = Event::What::wait, .operation = work});
}

}  // namespace d2l::launcher
