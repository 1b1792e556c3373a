#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/launch/output_reader.h"
#include "framework/launch/rank_printer.h"
#include "framework/launch/starter_messages.h"
#include "tests/support/support.h"

namespace d2l::launch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kRule(74, '-');

// "1|text" for a line of rank 1, "-1|text" for one of the starter
std::vector<std::string> texts(const std::vector<OutputLine>& lines) {
  std::vector<std::string> result;
  result.reserve(lines.size());
  for (const OutputLine& line : lines) result.push_back(concat(line.rank, "|", line.text));
  return result;
}

TEST(OutputReader, TagsOfMpirunNameTheRank) {
  OutputReader reader(OutputForm::tagged);
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:hello")), ElementsAre("0|hello"));
  EXPECT_THAT(texts(reader.read("[1,12]<stderr>:")), ElementsAre("12|"));
  EXPECT_THAT(texts(reader.read("mpirun says")), ElementsAre("-1|mpirun says"));
  EXPECT_THAT(texts(reader.read("[1,2] is no tag [1,x]<stdout>:")),
              ElementsAre("-1|[1,2] is no tag [1,x]<stdout>:"));
}

TEST(OutputReader, PiecesOfALineAreJoined) {
  OutputReader reader(OutputForm::tagged);
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:a[1,0]<stdout>:b")), ElementsAre("0|ab"));
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>:begin[1,1]<stdout>:whole")), ElementsAre("1|whole"));
  EXPECT_THAT(texts(reader.read("[1,0]<stdout>: end[1,1]<stdout>:rest[1,2]<stdout>:x")),
              ElementsAre("2|x"));
  EXPECT_THAT(texts(reader.rest()), ElementsAre("0|begin end", "1|rest"));
  EXPECT_THAT(texts(reader.rest()), IsEmpty());
}

TEST(OutputReader, PlainLinesMayHaveAnyText) {
  OutputReader reader(OutputForm::plain);
  EXPECT_THAT(texts(reader.read("1: [1,0]<stdout>:x")), ElementsAre("-1|1: [1,0]<stdout>:x"));
}

TEST(OutputReader, LabelsOfSrunNameTheRank) {
  OutputReader reader(OutputForm::labelled);
  EXPECT_THAT(texts(reader.read("0: hello: 1: x")), ElementsAre("0|hello: 1: x"));
  EXPECT_THAT(texts(reader.read(" 12: ")), ElementsAre("12|"));
  EXPECT_THAT(texts(reader.read("0: slurmstepd-n1: error: x")),
              ElementsAre("-1|slurmstepd-n1: error: x"));
  EXPECT_THAT(texts(reader.read("srun: error: x")), ElementsAre("-1|srun: error: x"));
  EXPECT_THAT(texts(reader.read("")), ElementsAre("-1|"));
}

TEST(RankPrinter, AFolderThatCannotBeWrittenIsNotTheEnd) {
  const test::TemporaryFolder folder;
  write_text_file(folder.path() / "file", "x");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  RankPrinter printer(true, folder.path() / "file");
  for (int i = 0; i < 2; ++i) printer.print({3, "text"}, stdout);
  printer.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "[3] text\n[3] text\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "d2l-launch: warning: cannot write " +
                                                        (folder.path() / "file").string() +
                                                        ": Not a directory; the job goes on\n");
}

TEST(StarterMessages, BlocksOfMpirunBecomeFacts) {
  StarterMessages messages(true);
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
  StarterMessages messages(true);
  EXPECT_THAT(messages.read(kRule), IsEmpty());
  EXPECT_TRUE(messages.holds_back());
  EXPECT_THAT(messages.read("text"), IsEmpty());
  EXPECT_THAT(messages.rest(), ElementsAre(kRule, "text"));
  EXPECT_FALSE(messages.holds_back());
  size_t printed = messages.read(kRule).size();
  for (int i = 1; i < 100; ++i) printed += messages.read("a long text").size();
  EXPECT_EQ(printed, 100u);
}

TEST(StarterMessages, RulesOfRanksAreNoBlocks) {
  StarterMessages output(false), errors(true);
  EXPECT_THAT(output.read(kRule), ElementsAre(kRule));
  EXPECT_THAT(errors.read("----------"), ElementsAre("----------"));
  EXPECT_THAT(errors.read(std::string(80, '-')), ElementsAre(std::string(80, '-')));
}

TEST(StarterMessages, ExitCodesHaveARank) {
  StarterMessages messages(true);
  for (const std::string& line :
       {kRule,
        std::string("mpirun detected that one or more processes exited with non-zero status"),
        std::string("  Process name: [[24249,1],5]"), std::string("  Exit code:    3"), kRule})
    EXPECT_THAT(messages.read(line), IsEmpty());
  EXPECT_EQ(describe_end(3, messages.facts()), "rank 5 ended with exit code 3");
}

TEST(StarterMessages, ErrorsOfSrunNameTheTask) {
  const auto end = [](const std::vector<std::string>& lines) {
    StarterMessages messages(true);
    for (const std::string& line : lines) EXPECT_THAT(messages.read(line), ElementsAre(line));
    return describe_end(messages.facts().code, messages.facts());
  };
  EXPECT_EQ(end({"srun: error: n2: tasks 4-5: Killed",
                 "srun: error: n3: task 7: Exited with exit code 1"}),
            "rank 4 on n2 ended by SIGKILL (137)");
  EXPECT_EQ(end({"srun: error: n1: task 0: Terminated", "srun: error: n1: task 1: Terminated",
                 "srun: error: n3: task 7: Exited with exit code 75"}),
            "rank 7 on n3 ended with exit code 75");
  EXPECT_EQ(end({"srun: error: n1: task 0: Segmentation fault (core dumped)"}),
            "rank 0 on n1 ended by SIGSEGV (139)");
}

TEST(StarterMessages, EndsWithoutFacts) {
  EXPECT_EQ(describe_end(1, {}), "the ranks could not be started (exit code 1)");
  EXPECT_EQ(describe_end(1, {.ran = true}), "the ranks ended with exit code 1");
  EXPECT_EQ(describe_end(134, {.ran = true}), "the ranks ended by SIGABRT (134)");
}

TEST(StarterMessages, HostsThatFailAreNamed) {
  const auto facts = [](const std::vector<std::string>& lines) {
    StarterMessages messages(true);
    messages.read(kRule);
    for (const std::string& line : lines) messages.read(line);
    EXPECT_THAT(messages.read(kRule), IsEmpty());
    return messages.facts();
  };
  EndFacts lost = facts({"ORTE has lost communication with a remote daemon.", "",
                         "  HNP daemon   : [[56654,0],0] on node h1",
                         "  Remote daemon: [[56654,0],2] on node h3"});
  EXPECT_EQ(lost.failed_host, "h3");
  lost.ran = true;
  EXPECT_EQ(describe_end(205, lost), "lost the connection to host h3 (exit code 205)");
  EXPECT_EQ(
      describe_end(1, facts({"A process or daemon was unable to complete a TCP connection",
                             "to another process:", "  Local host:    h3", "  Remote host:   h1"})),
      "could not start ranks on host h3 (exit code 1)");
  EXPECT_EQ(describe_end(255, facts({"ORTE was unable to reliably start one or more daemons."})),
            "could not start ranks on a host (exit code 255)");
}

}  // namespace
}  // namespace d2l::launch
