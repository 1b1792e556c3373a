#include "framework/comm/notices.h"

#include <cstdio>
#include <utility>

namespace d2l {

Notices::Notices() {
  thread_ = std::thread([this] { run(); });
}

Notices::~Notices() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Notices::add(Line line) {
  {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void Notices::set_tell(Tell tell) {
  const std::lock_guard lock(telling_);
  tell_ = std::move(tell);
}

void Notices::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
    if (lines_.empty()) return;
    const Line line = std::move(lines_.front());
    lines_.pop_front();
    lock.unlock();
    {
      const std::lock_guard telling(telling_);
      if (tell_)
        tell_(line);
      else if (line.is_warning)
        std::fprintf(stderr, "warning: %s\n", line.text.c_str());
    }
    lock.lock();
  }
}

}  // namespace d2l
