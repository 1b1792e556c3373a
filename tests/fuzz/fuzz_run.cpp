#include "launcher/metrics_reader.h"
#include "launcher/report_tool/history.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/target.h"

// The files of a run: log.txt and metrics.csv.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using d2l::fuzz::require;
  const std::string& path = d2l::fuzz::memory_file(bytes, size);
  const d2l::report_tool::History history = d2l::report_tool::read_history(path);
  require(history.seconds() >= 0);
  for (const auto& event : history.events) require(!event.time.empty());
  return d2l::fuzz::accepts_or_throws([&] {
    d2l::launcher::MetricsReader reader(path);
    for (d2l::launcher::MetricsReader::Fields fields; reader.next(fields);) {
      require(fields.size() == reader.names().size());
      require(d2l::launcher::number_in(fields[0]) >= 0);
    }
  });
}
