#include "framework/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "framework/base/error.h"
#include "framework/base/log.h"
#include "tests/support/small_disk.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Files, WriteAndReadBack) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "text";
  const std::string text("one\n\0two", 8);
  write_text_file(path, text);
  EXPECT_EQ(read_text_file(path), text);
  EXPECT_EQ(read_bytes(path), std::vector<uint8_t>(text.begin(), text.end()));
  write_text_file(path, "");
  EXPECT_EQ(read_text_file(path), "");
  EXPECT_TRUE(read_bytes(path).empty());
  EXPECT_EQ(message_of([&] { read_bytes(folder.path()); }),
            "cannot read " + folder.path().string() + ": it is a folder");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(Files, AReaderNeverSeesAPart) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "text";
  write_text_file(path, "old");
  replace_file(path, [&](const fs::path& temporary) {
    EXPECT_EQ(temporary.parent_path(), path.parent_path());
    EXPECT_NE(temporary, unused_name_beside(path));
    std::ofstream(temporary) << "new";
    EXPECT_EQ(read_text_file(path), "old");
  });
  EXPECT_EQ(read_text_file(path), "new");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(Files, AFailureLeavesTheOldFile) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "text";
  write_text_file(path, "old");
  EXPECT_EQ(message_of([&] {
              replace_file(path, [](const fs::path& temporary) {
                std::ofstream(temporary) << "half";
                fail("the disk is full");
              });
            }),
            "the disk is full");
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(Files, ErrorsNameThePathAndTheCause) {
  TemporaryFolder folder;
  const fs::path missing = folder.path() / "no" / "such" / "file";
  const std::string read = message_of([&] { read_text_file(missing); });
  EXPECT_NE(read.find(missing.string()), std::string::npos) << read;
  EXPECT_NE(read.find("No such file"), std::string::npos) << read;
  const std::string write = message_of([&] { write_text_file(missing, "x"); });
  EXPECT_NE(write.find(missing.string()), std::string::npos) << write;
}

// A read error is not the end of the file: /proc/self/mem is a regular file whose first page is not
// mapped.
TEST(Files, AnErrorWhileReadingIsNotTheEnd) {
  const fs::path unreadable = "/proc/self/mem";
  const std::string expected = "cannot read /proc/self/mem: Input/output error";
  EXPECT_EQ(message_of([&] { read_text_file(unreadable); }), expected);
  EXPECT_EQ(message_of([&] { read_bytes(unreadable); }), expected);
}

TEST(Files, OnlyRegularFilesAreReadAndNothingIsWaitedFor) {
  TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& path : {pipe, fs::path("/dev/zero")}) {
    const std::string expected = "cannot read " + path.string() + ": it is not a regular file";
    EXPECT_EQ(message_of([&] { read_text_file(path); }), expected);
    EXPECT_EQ(message_of([&] { read_bytes(path); }), expected);
  }
}

// Files in /proc have size 0, and other files may grow.
TEST(Files, ReadsToTheEndWhateverTheSizeIsSaidToBe) {
  EXPECT_EQ(read_text_file("/proc/self/comm"), "test_base\n");
  EXPECT_GT(read_bytes("/proc/self/maps").size(), 4096U);
  TemporaryFolder folder;
  const std::string large(3'000'001, 'x');
  write_text_file(folder.path() / "large", large);
  EXPECT_EQ(read_text_file(folder.path() / "large"), large);
}

TEST(Files, WhatIsNoRegularFileIsNotReplaced) {
  TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe", device = folder.path() / "device";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("/dev/null", device);
  for (const fs::path& path : {pipe, device}) {
    const std::string expected = "cannot write " + path.string() + ": it is not a regular file";
    EXPECT_EQ(message_of([&] { write_text_file(path, "x"); }), expected);
    EXPECT_EQ(message_of([&] { open_regular_file(path, O_WRONLY); }), expected);
  }
  EXPECT_EQ(message_of([&] { write_text_file(folder.path(), "x"); }),
            "cannot write " + folder.path().string() + ": it is a folder");
  EXPECT_EQ(files_in(folder.path()), 2u);
}

// Concurrent writers of one file: each reader sees the complete content of one of them.
TEST(Files, SeveralWritersDoNotDisturbEachOther) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "text";
  std::vector<std::thread> writers;
  for (char letter : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 50; ++i) write_text_file(path, std::string(20'000, letter));
    });
  for (std::thread& writer : writers) writer.join();
  const std::string text = read_text_file(path);
  EXPECT_EQ(text, std::string(20'000, text[0]));
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(Files, LeftoversOfTheirTargetsGo) {
  TemporaryFolder folder;
  for (const std::string& name : {unused_name_beside("mine").string(), std::string("mine.tmp"),
                                  unused_name_beside("yours").string(), std::string("yours.tmp"),
                                  std::string("mine"), std::string("mine.0123.tmp")})
    write_text_file(folder.path() / name, "x");
  remove_leftovers(folder.path(), [](const std::string& target) { return target == "mine"; });
  EXPECT_EQ(files_in(folder.path()), 4u);
  EXPECT_FALSE(fs::exists(folder.path() / "mine.tmp"));
}

TEST(Files, AFullDiskIsToldFromOtherErrors) {
  TemporaryFolder folder;
  SmallDisk disk(folder.path(), "size=16k");
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system (needs root)";
  EXPECT_THROW(write_text_file(folder.path() / "a", std::string(100'000, 'x')), NoRoomError);
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(Files, MakesWritableFolders) {
  TemporaryFolder folder;
  const fs::path deep = folder.path() / "a" / "b" / "c";
  const fs::path a = folder.path() / "a";
  EXPECT_EQ(make_writable_folder(deep), (std::vector<fs::path>{a, a / "b", deep}));
  EXPECT_TRUE(fs::is_directory(deep));
  EXPECT_EQ(files_in(deep), 0u);  // the probe file was removed
  EXPECT_TRUE(make_writable_folder(deep).empty());

  write_text_file(folder.path() / "file", "");
  const std::string message =
      message_of([&] { make_writable_folder(folder.path() / "file" / "below"); });
  EXPECT_NE(message.find("cannot make the folder"), std::string::npos) << message;
}

// A folder with a too long name cannot be created; the folders created above it are removed.
TEST(Files, FoldersThatCannotBeMadeLeaveNothing) {
  TemporaryFolder folder;
  const fs::path wanted = folder.path() / "a" / "b" / std::string(300, 'x');
  EXPECT_NE(message_of([&] { make_writable_folder(wanted); }).find("File name too long"),
            std::string::npos);
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(Log, WritesTheFileEvenWhenQuiet) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "log";
  {
    Log log(true);
    log.note("before the file is open");
    testing::internal::CaptureStderr();
    log.warn("an old checkpoint");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: an old checkpoint\n");
    log.open(path);
    log.info("loss ", 0.5);
    testing::internal::CaptureStderr();
    log.warn("slow disk");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: slow disk\n");
    log.note("only here");
  }
  const std::string text = read_text_file(path);
  EXPECT_NE(text.find(" loss 0.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" warning: slow disk\n"), std::string::npos) << text;
  EXPECT_LT(text.find(" warning: an old checkpoint\n"), text.find(" loss 0.5\n")) << text;
  EXPECT_NE(text.find(" only here\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("before"), std::string::npos) << text;
  EXPECT_NE(message_of([&] { Log().open(folder.path() / "no" / "log"); }).find("No such file"),
            std::string::npos);
}

TEST(Log, GoesIntoRegularFilesOnly) {
  TemporaryFolder folder;
  const fs::path pipe = folder.path() / "log";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { Log().open(pipe); }),
            "cannot write " + pipe.string() + ": it is not a regular file");
}

TEST(Log, InfoIsPrintedUnlessQuiet) {
  testing::internal::CaptureStdout();
  Log().info("epoch ", 3);
  Log(true).info("hidden");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "epoch 3\n");
}

}  // namespace
}  // namespace d2l::test
