#include "launcher/report_tool/history.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "framework/base/error.h"

namespace d2l::report_tool {
namespace {

using launcher::LogLine;

constexpr std::string_view kAfterStep = "after step ", kWarning = "warning: ", kError = "error: ",
                           kContinues = "continuing after step ",
                           kSaved = "saved the checkpoint of step ";

// The number that follows `before` in the text.
std::optional<int64_t> number_after(std::string_view text, std::string_view before) {
  const size_t place = text.find(before);
  if (place == std::string_view::npos) return std::nullopt;
  int64_t number = 0;
  const char* begin = text.data() + place + before.size();
  const auto result = std::from_chars(begin, text.data() + text.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

bool is_end(std::string_view message) {
  constexpr std::string_view kEnds[] = {"run folder ", "nothing left to do", "stopped after step "};
  return std::any_of(std::begin(kEnds), std::end(kEnds),
                     [&](std::string_view end) { return message.starts_with(end); });
}

class Reader {
 public:
  void add(const LogLine& line) {
    if (auto start = launcher::job_start(line.message)) return begin_job(line, std::move(*start));
    if (!history_.jobs.empty()) history_.jobs.back().last_line = line.seconds;
    if (is_step(line.message) || is_epoch(line.message)) return;
    if (history_.slowest_ranks.add(line.message)) return;
    if (line.message.starts_with(kContinues)) return continue_job(line);
    if (line.message.starts_with(kSaved)) {
      note_step(number_after(line.message, kSaved));
      return add_event(Event::Kind::save, line);
    }
    add_other(line);
  }

  History take() { return std::move(history_); }

 private:
  void begin_job(const LogLine& line, launcher::JobStart start) {
    const std::string where = concat(start.comm, "; ", start.threads, "; ", start.device);
    const bool is_first = history_.jobs.empty();
    history_.jobs.push_back({.start = std::move(start),
                             .first_step = is_first ? 0 : step_,
                             .began = line.seconds,
                             .last_line = line.seconds});
    history_.end.clear();
    begins_ = history_.events.size();
    add_event(is_first ? Event::Kind::start : Event::Kind::resume, line, where);
  }

  // The line follows that of the job's begin.
  void continue_job(const LogLine& line) {
    step_ = number_after(line.message, kContinues).value_or(step_);
    for (Event& event : history_.events) event.is_superseded |= event.step > step_;
    for (History::Job& job : history_.jobs) job.is_superseded |= job.first_step > step_;
    if (history_.jobs.empty() || begins_ >= history_.events.size()) return;
    history_.jobs.back().first_step = step_;
    history_.jobs.back().is_superseded = false;
    Event& begin = history_.events[begins_];
    begin.kind = Event::Kind::resume;
    begin.step = step_;
    begin.is_superseded = false;
  }

  // "step 50: loss ..."
  bool is_step(std::string_view message) {
    if (!message.starts_with("step ")) return false;
    note_step(number_after(message, "step "));
    return message.find(": loss ") != std::string_view::npos;
  }

  // "epoch 3/10: loss ..."
  bool is_epoch(std::string_view message) {
    constexpr std::string_view kEpoch = "epoch ";
    const size_t colon = message.find(": loss ");
    if (!message.starts_with(kEpoch) || colon == std::string_view::npos) return false;
    history_.epochs = message.substr(kEpoch.size(), colon - kEpoch.size());
    return true;
  }

  void add_other(const LogLine& line) {
    std::string_view message = line.message;
    if (message.starts_with(kError)) {
      history_.end = message;
      return add_event(Event::Kind::error, line, std::string(message.substr(kError.size())));
    }
    if (message.starts_with(kWarning))
      return add_event(Event::Kind::warning, line, std::string(message.substr(kWarning.size())));
    if (message.find(": skipped, ") != std::string_view::npos)
      return add_event(Event::Kind::warning, line);
    if (!message.starts_with("best test ")) note_step(number_after(message, kAfterStep));
    if (is_end(message)) {
      history_.end = message.starts_with("run folder ") ? "finished" : message;
      return add_event(Event::Kind::end, line);
    }
    add_event(Event::Kind::notice, line);
  }

  void note_step(std::optional<int64_t> step) { step_ = step.value_or(step_); }

  void add_event(Event::Kind kind, const LogLine& line, std::string text = "") {
    if (text.empty()) text = line.message;
    history_.events.push_back(
        {.kind = kind, .step = step_, .time = std::string(line.time), .text = std::move(text)});
  }

  History history_;
  int64_t step_ = 0;
  size_t begins_ = 0;  // the event of the last job's begin
};

}  // namespace

std::string word_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::start:
      return "start";
    case Event::Kind::resume:
      return "resume";
    case Event::Kind::save:
      return "save";
    case Event::Kind::notice:
      return "notice";
    case Event::Kind::warning:
      return "warning";
    case Event::Kind::error:
      return "error";
    case Event::Kind::end:
      return "end";
  }
  fail("expected a kind of event, found number ", static_cast<int>(kind));
}

double History::seconds() const {
  int64_t sum = 0;  // the clock may have been set back
  for (const Job& job : jobs) sum += std::max<int64_t>(job.last_line - job.began, 0);
  return static_cast<double>(sum);
}

std::vector<int64_t> History::first_steps() const {
  std::vector<int64_t> steps;
  for (const Job& job : jobs)
    if (!job.is_superseded) steps.push_back(job.first_step);
  return steps;
}

History read_history(const std::filesystem::path& log) {
  Reader reader;
  const int64_t damaged = launcher::read_log(log, [&](const LogLine& line) { reader.add(line); });
  History history = reader.take();
  history.damaged = damaged;
  return history;
}

}  // namespace d2l::report_tool
