#include "launcher/options/plan.h"

#include <charconv>
#include <string_view>

#include "framework/base/text.h"
#include "launcher/options/duration.h"
#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kTimes[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
// Network speeds have powers of 1000.
constexpr Unit kSpeeds[] = {{"kbit/s", 1e3 / 8},  {"Mbit/s", 1e6 / 8}, {"Gbit/s", 1e9 / 8},
                            {"Tbit/s", 1e12 / 8}, {"kB/s", 1e3},       {"MB/s", 1e6},
                            {"GB/s", 1e9},        {"TB/s", 1e12}};

// "2.5us" -> 2.5e-6
template <size_t kCount>
std::optional<double> amount(std::string_view text, const Unit (&units)[kCount]) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : units)
    if (text == unit.name) return number * unit.factor;
  return {};
}

}  // namespace

std::string text_of(const NetworkChoice& value) { return value.text; }
std::string text_of(const ComputeTime& value) { return value.text; }

std::string text_of(const RankCounts& value) {
  std::vector<std::string> texts;
  for (const int count : value.counts) texts.push_back(std::to_string(count));
  return join(texts, ",");
}

void parse(const std::string& label, const std::string& text, NetworkChoice& value) {
  value = {};
  if (text.empty()) return;
  const auto refuse = [&](const std::string& found) {
    usage(label, " expects a latency (ns, us, ms, s), a bandwidth (Mbit/s, Gbit/s, MB/s, GB/s) ",
          "and perhaps mpi or nccl, such as 50us,1Gbit/s or 2us,25GB/s,nccl, found ", found);
  };
  const std::vector<std::string> parts = split_list(label, text);
  if (parts.size() < 2 || parts.size() > 3) refuse("'" + text + "'");
  const std::optional<double> latency = amount(parts[0], kTimes),
                              bandwidth = amount(parts[1], kSpeeds);
  if (!latency || *latency > 1) refuse("the latency '" + parts[0] + "'");
  if (!bandwidth || *bandwidth < 1) refuse("the bandwidth '" + parts[1] + "'");
  const std::string carrier = parts.size() > 2 ? parts[2] : "";
  if (carrier == "mpi") value.carrier = Carrier::mpi;
  if (carrier == "nccl") value.carrier = Carrier::nccl;
  if (parts.size() > 2 && !value.carrier) refuse("'" + carrier + "'");
  value.network = {.latency = *latency, .bandwidth = *bandwidth};
  value.text = text;
}

void parse(const std::string& label, const std::string& text, RankCounts& value) {
  constexpr int kMost = 1 << 20;
  value = {};
  if (text.empty()) return;
  for (const std::string& part : split_list(label, text)) {
    int count = 0;
    const char* end = part.data() + part.size();
    const auto result = std::from_chars(part.data(), end, count);
    const int least = value.counts.empty() ? 1 : value.counts.back() + 1;
    if (result.ec != std::errc() || result.ptr != end || count < least || count > kMost)
      usage(label, " expects ascending numbers from 1 to ", kMost, ", such as 8,64,512, found '",
            text, "'");
    value.counts.push_back(count);
  }
}

void parse(const std::string& label, const std::string& text, ComputeTime& value) {
  value = {};
  if (text.empty()) return;
  const std::optional<double> seconds = amount(text, kTimes);
  if (!seconds || *seconds <= 0 || *seconds > 1e6)
    usage(label, " expects a time above 0 in ns, us, ms or s, such as 52ms, found '", text, "'");
  value = {.seconds = *seconds, .text = text};
}

std::vector<Option> plan_options() {
  using enum ResumeRule;
  OptionGroup group("Plan", &Config::plan);
  group
      .add("plan-network", "LATENCY,BANDWIDTH[,mpi|nccl]", &PlanConfig::network, not_kept,
           "with --plan: the network between the ranks, for example 50us,1Gbit/s. BANDWIDTH is "
           "that of a rank, in each direction. nccl: all-reduces as NCCL does them; mpi: as d2l "
           "does them with MPI (default: measured among the ranks of the job)")
      .may_be_empty();
  group
      .add("plan-ranks", "N,N,...", &PlanConfig::ranks, not_kept,
           "with --plan: also predict the speed on these numbers of ranks, each with as large a "
           "part of the batch as now")
      .may_be_empty();
  group
      .add("plan-compute", "TIME", &PlanConfig::compute, not_kept,
           "with --plan: how long a rank of another machine computes in a step, for example 52ms. "
           "The times that were measured here are multiplied to match (default: those measured "
           "here)")
      .may_be_empty();
  return group.options();
}

}  // namespace d2l::launcher
