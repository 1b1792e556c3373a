#include "launcher/predict/predictions.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "framework/base/text.h"
#include "launcher/predict/sample_set.h"

namespace d2l::predict {
namespace {

// Gathers values of any number: MPI counts bytes with 31 bits.
std::string gather_bytes(const std::string& mine, const MpiSession& session) {
  const size_t most = (size_t{1} << 30) / static_cast<size_t>(session.size());
  std::vector<std::string> parts(static_cast<size_t>(session.size()));
  for (size_t begin = 0;; begin += most) {
    const std::string slice = begin < mine.size() ? mine.substr(begin, most) : "";
    const std::vector<std::string> all = session.gather(slice);
    bool ends = true;
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      parts[rank] += all[rank];
      ends &= all[rank].size() < most;
    }
    if (ends) return join(parts, "");
  }
}

template <class Value>
void gather_values(const std::vector<Value>& mine, const MpiSession& session,
                   std::vector<Value>& all) {
  const size_t bytes = mine.size() * sizeof(Value);
  const std::string gathered =
      gather_bytes(std::string(reinterpret_cast<const char*>(mine.data()), bytes), session);
  all.resize(gathered.size() / sizeof(Value));
  if (!all.empty()) std::memcpy(all.data(), gathered.data(), gathered.size());
}

std::vector<std::string> gather_lines(const std::vector<std::string>& mine,
                                      const MpiSession& session) {
  std::string text;
  for (const std::string& line : mine) text += line + '\0';
  text = gather_bytes(text, session);
  std::vector<std::string> all;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\0', begin);
    all.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace

void Predictions::add(int64_t image, int64_t label, std::span<const float> scores) {
  images.push_back(image);
  labels.push_back(label);
  const auto is_larger = [&](float score) {
    return score > scores[static_cast<size_t>(std::max<int64_t>(label, 0))];
  };
  before.push_back(label == kNoLabel ? 0 : std::count_if(scores.begin(), scores.end(), is_larger));
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto comes_first = [&](int64_t a, int64_t b) {
    const float of_a = scores[static_cast<size_t>(a)], of_b = scores[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(top), order.end(),
                    comes_first);
  const double largest = scores[static_cast<size_t>(order[0])];
  double sum = 0;
  for (const float score : scores) sum += std::exp(double{score} - largest);
  for (size_t i = 0; i < static_cast<size_t>(top); ++i) {
    classes.push_back(order[i]);
    probability.push_back(std::exp(double{scores[static_cast<size_t>(order[i])]} - largest) / sum);
  }
}

Predictions gather_predictions(const Predictions& mine, const MpiSession& session) {
  Predictions all(mine.top);
  gather_values(mine.images, session, all.images);
  gather_values(mine.labels, session, all.labels);
  gather_values(mine.before, session, all.before);
  gather_values(mine.classes, session, all.classes);
  gather_values(mine.probability, session, all.probability);
  all.damaged = gather_lines(mine.damaged, session);
  return all;
}

PredictedNumbers gather_predictions(const PredictedNumbers& mine, const MpiSession& session) {
  PredictedNumbers all;
  gather_values(mine.samples, session, all.samples);
  gather_values(mine.values, session, all.values);
  gather_values(mine.targets, session, all.targets);
  all.damaged = gather_lines(mine.damaged, session);
  return all;
}

int64_t count_correct(const Predictions& predictions, int64_t top) {
  int64_t correct = 0;
  for (int64_t i = 0; i < predictions.count(); ++i) {
    const auto image = static_cast<size_t>(i);
    const bool is_correct = top == 1 ? predictions.best(i) == predictions.labels[image]
                                     : predictions.before[image] < top;
    correct += is_correct ? 1 : 0;
  }
  return correct;
}

}  // namespace d2l::predict
