#pragma once

#include <string>

#include "launcher/manual/help_text.h"

namespace d2l::manual {

// The words that a value can be: "a" and "b" of "a|b|N"; for a NAME, those that the option's text
// lists: "dataset: mnist, cifar10, cifar100".
std::vector<std::string> words_of(const HelpOption& option);

// A file for bash that completes the command line of the program: options, words, files, commands.
std::string bash_completion(const Manual& manual);

}  // namespace d2l::manual
