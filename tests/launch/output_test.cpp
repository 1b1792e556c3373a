#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/error.h"
#include "framework/launch/output_reader.h"
#include "framework/launch/starter_messages.h"

namespace d2l::launch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kRule(74, '-');

// "1|text" for a line of rank 1, "-1|text" for one of the starter
std::vector<std::string> texts(const std::vector<OutputLine>& lines) {
  std::vector<std::string> result;
  for (const OutputLine& line : lines) result.push_back(concat(line.rank, "|", line.text));
  return result;
}

TEST(OutputReader, TagsOfMpirunNameTheRank) {
  OutputReader reader(Starter::mpirun);
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:hello")), ElementsAre("0|hello"));
  EXPECT_THAT(texts(reader.read("[1,12]<stderr>:")), ElementsAre("12|"));
  EXPECT_THAT(texts(reader.read("mpirun says")), ElementsAre("-1|mpirun says"));
  EXPECT_THAT(texts(reader.read("[1,2] is no tag [1,x]<stdout>:")),
              ElementsAre("-1|[1,2] is no tag [1,x]<stdout>:"));
}

TEST(OutputReader, PiecesOfALineAreJoined) {
  OutputReader reader(Starter::mpirun);
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:a[1,0]<stdout>:b")), ElementsAre("0|ab"));
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:begin[1,1]<stdout>:whole")), ElementsAre("1|whole"));
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>: end[1,1]<stdout>:rest[1,2]<stdout>:x")),
              ElementsAre("2|x"));
  EXPECT_THAT(texts(reader.rest()), ElementsAre("0|begin end", "1|rest"));
  EXPECT_THAT(texts(reader.rest()), IsEmpty());
}

TEST(OutputReader, LabelsOfSrunNameTheRank) {
  OutputReader reader(Starter::srun);
  EXPECT_THAT(texts(reader.read("0: hello: 1: x")), ElementsAre("0|hello: 1: x"));
  EXPECT_THAT(texts(reader.read(" 12: ")), ElementsAre("12|"));
  EXPECT_THAT(texts(reader.read("srun: error: x")), ElementsAre("-1|srun: error: x"));
  EXPECT_THAT(texts(reader.read("")), ElementsAre("-1|"));
}

TEST(StarterMessages, BlocksOfMpirunBecomeFacts) {
  StarterMessages messages;
  const auto read_block = [&](const std::vector<std::string>& lines) {
    std::vector<std::string> printed;
    for (const std::string& line : lines)
      for (const std::string& text : messages.read(line)) printed.push_back(text);
    return printed;
  };
  EXPECT_THAT(messages.read("1590231040.0;tcp://192.0.2.2:46547;tcp6://[fd00::2]:37007"),
              IsEmpty());
  EXPECT_THAT(
      read_block({kRule, "Primary job  terminated normally, but 1 process returned",
                  "a non-zero exit code. Per user-direction, the job has been aborted.", kRule}),
      IsEmpty());
  EXPECT_THAT(read_block({kRule,
                          "mpirun noticed that process rank 3 with PID 17 on node n7 exited "
                          "on signal 9 (Killed).",
                          kRule}),
              IsEmpty());
  EXPECT_THAT(messages.read("mpirun: Forwarding signal 10 to job"), IsEmpty());
  EXPECT_THAT(read_block({kRule, "There are not enough slots", kRule, "after"}),
              ElementsAre(kRule, "There are not enough slots", kRule, "after"));
  EXPECT_EQ(messages.facts().job, "1590231040");
  EXPECT_TRUE(messages.facts().ran);
  EXPECT_EQ(describe_end(137, messages.facts()), "rank 3 on n7 ended by SIGKILL (137)");
}

TEST(StarterMessages, NothingIsLostInABlockWithoutEnd) {
  StarterMessages messages;
  EXPECT_THAT(messages.read(kRule), IsEmpty());
  EXPECT_THAT(messages.read("text"), IsEmpty());
  EXPECT_THAT(messages.rest(), ElementsAre(kRule, "text"));
}

TEST(StarterMessages, ExitCodesHaveARank) {
  StarterMessages messages;
  for (const std::string& line :
       {kRule,
        std::string("mpirun detected that one or more processes exited with non-zero status"),
        std::string("  Process name: [[24249,1],5]"), std::string("  Exit code:    3"), kRule})
    EXPECT_THAT(messages.read(line), IsEmpty());
  EXPECT_EQ(describe_end(3, messages.facts()), "rank 5 ended with exit code 3");
}

TEST(StarterMessages, ErrorsOfSrunNameTheTask) {
  StarterMessages messages;
  const std::string line = "srun: error: n2: tasks 4-5: Killed";
  EXPECT_THAT(messages.read(line), ElementsAre(line));
  EXPECT_THAT(messages.read("srun: error: n3: task 7: Exited with exit code 1"),
              testing::SizeIs(1));
  EXPECT_EQ(describe_end(137, messages.facts()), "rank 4 on n2 ended by SIGKILL (137)");
}

TEST(StarterMessages, EndsWithoutFacts) {
  EXPECT_EQ(describe_end(1, {}), "the ranks could not be started (exit code 1)");
  EXPECT_EQ(describe_end(1, {.ran = true}), "the ranks ended with exit code 1");
  EXPECT_EQ(describe_end(134, {.ran = true}), "the ranks ended by SIGABRT (134)");
  EXPECT_EQ(describe_end(255, {}), "no ranks could be started on some host (255)");
  EXPECT_EQ(describe_end(205, {.ran = true}), "the connection to a host was lost (205)");
}

}  // namespace
}  // namespace d2l::launch
