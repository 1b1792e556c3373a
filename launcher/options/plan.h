#pragma once

#include <optional>
#include <string>
#include <vector>

#include "framework/comm/transfer_model.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

// The network for which a step's time is predicted: "50us,1Gbit/s" or "2us,25GB/s,nccl".
struct NetworkChoice {
  Network network = {};
  std::optional<Carrier> carrier = {};  // none: the one that the run uses
  std::string text;                     // as the user wrote it; "": measured among the ranks

  bool operator==(const NetworkChoice& other) const { return text == other.text; }
};

// "8,64,512"
struct RankCounts {
  std::vector<int> counts;  // ascending

  bool operator==(const RankCounts&) const = default;
};

// "52ms"
struct ComputeTime {
  double seconds = 0;
  std::string text;  // as the user wrote it; "": measured

  bool operator==(const ComputeTime& other) const { return text == other.text; }
};

// Of --plan.
struct PlanConfig {
  NetworkChoice network;
  RankCounts ranks;
  ComputeTime compute;

  bool operator==(const PlanConfig&) const = default;
};

std::vector<Option> plan_options();

// As in values.h.
std::string text_of(const NetworkChoice& value);
std::string text_of(const RankCounts& value);
std::string text_of(const ComputeTime& value);
void parse(const std::string& label, const std::string& text, NetworkChoice& value);
void parse(const std::string& label, const std::string& text, RankCounts& value);
void parse(const std::string& label, const std::string& text, ComputeTime& value);

}  // namespace d2l::launcher
