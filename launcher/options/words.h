#pragma once

#include <string>
#include <utility>
#include <vector>

#include "framework/base/error.h"

namespace d2l::launcher {

// The words for the values of an enum in options, in the order of --help. A default that users
// cannot write has an empty word.
template <class Enum>
using WordTable = std::vector<std::pair<Enum, std::string>>;

// An enum's table of words, for --help, parsing and printing. Specialised in the file of the
// option's group.
template <class Enum>
const WordTable<Enum>& words_of();

template <class Enum>
const std::string& word_of(Enum value) {
  for (const auto& [known, word] : words_of<Enum>())
    if (known == value) return word;
  fail("expected a value that has a word, found number ", static_cast<int>(value));
}

}  // namespace d2l::launcher
