#include "framework/launch/hosts.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::launch {
namespace {

constexpr int kMostCounted = 1'000'000;

// Names go to ssh and to a shell on the host.
void check_name(const std::string& label, const std::string& name) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  };
  const bool ok = !name.empty() && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
                  std::all_of(name.begin(), name.end(), fits);
  if (!ok) throw UsageError(concat(label, ": expected the name of a host, found '", name, "'"));
}

void add_host(std::vector<Host>& hosts, const Host& host) {
  const auto known = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const Host& other) { return other.name == host.name; });
  if (known == hosts.end())
    hosts.push_back(host);
  else
    known->slots += host.slots;
}

// "node1" or "node1:4"
Host parse_host(const std::string& label, const std::string& text) {
  const size_t colon = text.find(':');
  Host host{text.substr(0, colon), 1};
  check_name(label, host.name);
  if (colon != std::string::npos)
    host.slots = positive_number(concat(label, ": slots of ", host.name), text.substr(colon + 1));
  return host;
}

}  // namespace

int positive_number(const std::string& label, const std::string& text) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number < 1 || number > kMostCounted)
    throw UsageError(
        concat(label, ": expected a number from 1 to ", kMostCounted, ", found '", text, "'"));
  return number;
}

std::vector<Host> parse_hosts(const std::string& text) {
  std::vector<Host> hosts;
  std::stringstream stream(text + ",");
  for (std::string part; std::getline(stream, part, ',');)
    add_host(hosts, parse_host("--hosts", part));
  return hosts;
}

std::vector<Host> read_hostfile(const std::filesystem::path& path) {
  std::string text;
  try {
    text = read_text_file(path);
  } catch (const Error& error) {
    throw UsageError(concat("--hostfile: ", error.what()));
  }
  std::vector<Host> hosts;
  int number = 0;
  for (const std::string& line : split_lines(text)) {
    const std::string label = concat("--hostfile ", path.string(), ":", ++number);
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    Host host = parse_host(label, word);
    while (words >> word) {
      if (word.starts_with("slots="))
        host.slots = positive_number(label + ": slots", word.substr(6));
      else if (!word.starts_with("max_slots=") && !word.starts_with("max-slots="))
        throw UsageError(concat(label, ": expected 'slots=NUMBER', found '", word, "'"));
    }
    add_host(hosts, host);
  }
  if (hosts.empty())
    throw UsageError(concat("--hostfile ", path.string(), ": expected hosts, found none"));
  return hosts;
}

int total_slots(const std::vector<Host>& hosts) {
  int slots = 0;
  for (const Host& host : hosts) slots += host.slots;
  return slots;
}

std::string this_host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

bool is_this_host(const std::string& name) {
  const auto short_name = [](const std::string& text) { return text.substr(0, text.find('.')); };
  const std::string own = this_host();
  if (name == "localhost" || name == "127.0.0.1" || name == own) return true;
  // Addresses have no short form.
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
  const bool one_is_short = short_name(name) == name || short_name(own) == own;
  return !address && one_is_short && short_name(name) == short_name(own);
}

}  // namespace d2l::launch
