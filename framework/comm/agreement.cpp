#include "framework/comm/agreement.h"

#include <algorithm>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/comm/gather.h"

namespace d2l {
namespace {

// One line for each fact; names have no '\t' in them, and what is compared is the whole text.
std::string render(const Facts& facts) {
  std::string text;
  for (const Fact& fact : facts) text += fact.name + '\t' + fact.value + '\0';
  return text;
}

Facts parse(const std::string& text) {
  Facts facts;
  for (size_t begin = 0, end; (end = text.find('\0', begin)) != std::string::npos;
       begin = end + 1) {
    const size_t tab = text.find('\t', begin);
    facts.push_back({text.substr(begin, tab - begin), text.substr(tab + 1, end - tab - 1)});
  }
  return facts;
}

// What a rank tells the others of itself.
struct Verdict {
  char host[64] = {};
  char name[64] = {};  // of its first fact that is not rank 0's
  char mine[256] = {}, rank0s[256] = {};
  int64_t differences = 0;  // facts that differ
};

const std::string* find(const Facts& facts, const std::string& name) {
  for (const Fact& fact : facts)
    if (fact.name == name) return &fact.value;
  return nullptr;
}

void add_difference(Verdict& verdict, const std::string& name, const std::string* mine,
                    const std::string* rank0s) {
  if (verdict.differences++ > 0) return;
  const auto shown = [](const std::string* value) {
    return value == nullptr ? "absent" : value->empty() ? "empty" : *value;
  };
  put(verdict.name, name);
  put(verdict.mine, shown(mine));
  put(verdict.rank0s, shown(rank0s));
}

Verdict compare(const Facts& mine, const Facts& rank0s, const std::string& host) {
  Verdict verdict;
  put(verdict.host, host);
  for (const Fact& fact : rank0s) {
    const std::string* value = find(mine, fact.name);
    if (value == nullptr || *value != fact.value)
      add_difference(verdict, fact.name, value, &fact.value);
  }
  for (const Fact& fact : mine)
    if (find(rank0s, fact.name) == nullptr)
      add_difference(verdict, fact.name, &fact.value, nullptr);
  return verdict;
}

std::string text_of_rank0(std::string text, Communicator& comm) {
  auto bytes = static_cast<int64_t>(text.size());
  comm.broadcast({&bytes, DType::i64, Shape{1}}, 0);
  text.resize(static_cast<size_t>(bytes));
  comm.broadcast({text.data(), DType::u8, Shape{bytes}}, 0);
  return text;
}

std::string complaint(const std::vector<Verdict>& verdicts) {
  const auto differs = [](const Verdict& verdict) { return verdict.differences > 0; };
  const auto found = std::find_if(verdicts.begin(), verdicts.end(), differs);
  const Verdict& first = *found;
  std::string text = concat("the ranks do not agree: ", first.name, " is ", first.rank0s,
                            " on rank 0 (", verdicts[0].host, "), ", first.mine, " on rank ",
                            found - verdicts.begin(), " (", first.host, ")");
  if (first.differences > 1)
    text += concat("; ", first.differences - 1, " more of its values differ");
  const auto more = std::count_if(found + 1, verdicts.end(), differs);
  if (more > 0) text += concat("; ", more, more == 1 ? " more rank differs" : " more ranks differ");
  return text;
}

}  // namespace

void check_agreement(const Facts& facts, Communicator& comm, const std::string& host) {
  const std::string mine = render(facts);
  const std::vector<uint64_t> digests = gather(checksum(mine.data(), mine.size()), comm);
  const uint64_t expected = digests.front();
  if (std::all_of(digests.begin(), digests.end(),
                  [expected](uint64_t digest) { return digest == expected; }))
    return;
  const Facts rank0s = parse(text_of_rank0(mine, comm));
  throw JobError(complaint(gather(compare(facts, rank0s, host), comm)));
}

}  // namespace d2l
