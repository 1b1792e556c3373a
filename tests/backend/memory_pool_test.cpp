#include "framework/backend/memory_pool.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/backend/arrays.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// Counts what the pool asks for and gives back.
struct System {
  int allocated = 0, released = 0;

  MemoryPool::Raw raw() {
    return {[this](size_t bytes) {
              check(bytes < (size_t{1} << 40), "out of memory: ", bytes);
              ++allocated;
              return std::malloc(bytes);
            },
            [this](void* block) {
              ++released;
              std::free(block);
            }};
  }
};

TEST(MemoryPool, HandsOutReleasedBlocksAgain) {
  System system;
  MemoryPool pool(system.raw());
  void* first = pool.allocate(1000);
  pool.release(first);
  EXPECT_EQ(pool.allocate(1000), first);
  EXPECT_EQ(pool.stats().system_allocations, 1u);
  void* second = pool.allocate(1000);  // the first is in use
  EXPECT_NE(second, first);
  EXPECT_EQ(pool.stats().system_allocations, 2u);
  pool.release(first);
  pool.release(second);
  for (int step = 0; step < 100; ++step) {
    void* a = pool.allocate(990);
    void* b = pool.allocate(1000);
    pool.release(a);
    pool.release(b);
  }
  EXPECT_EQ(system.allocated, 2);  // the steady state asks for nothing
}

TEST(MemoryPool, LosesAtMostAnEighth) {
  System system;
  MemoryPool pool(system.raw());
  for (size_t bytes : {size_t{257}, size_t{1000}, size_t{4097}, size_t{100001}, size_t{3} << 20}) {
    const uint64_t before = pool.stats().bytes_in_use;
    void* block = pool.allocate(bytes);
    const uint64_t taken = pool.stats().bytes_in_use - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(static_cast<double>(taken), static_cast<double>(bytes) * 1.125 + 64);
    std::memset(block, 1, bytes);
    pool.release(block);
  }
}

TEST(MemoryPool, CountsBytes) {
  System system;
  {
    MemoryPool pool(system.raw());
    void* a = pool.allocate(4096);
    void* b = pool.allocate(8192);
    pool.release(a);
    EXPECT_EQ(pool.stats().bytes_in_use, 8192u);
    EXPECT_EQ(pool.stats().peak_bytes_in_use, 12288u);
    EXPECT_EQ(pool.stats().bytes_reserved, 12288u);
    pool.trim();
    EXPECT_EQ(system.released, 1);
    EXPECT_EQ(pool.stats().bytes_reserved, 8192u);
    pool.release(b);
    pool.release(pool.allocate(100));
  }
  EXPECT_EQ(system.released, system.allocated);
}

TEST(MemoryPool, NothingAndForeignBlocks) {
  System system;
  MemoryPool pool(system.raw());
  EXPECT_EQ(pool.allocate(0), nullptr);
  pool.release(nullptr);
  int mine = 0;
  EXPECT_EQ(message_of([&] { pool.release(&mine); }),
            "memory pool: released a block that it did not hand out");
  void* block = pool.allocate(10);
  pool.release(block);
  EXPECT_EQ(message_of([&] { pool.release(block); }),
            "memory pool: released a block that it did not hand out");
}

TEST(MemoryPool, StaysUsableAfterAFailedAllocation) {
  System system;
  MemoryPool pool(system.raw());
  EXPECT_NE(message_of([&] { pool.allocate(size_t{1} << 45); }).find("out of memory"),
            std::string::npos);
  EXPECT_EQ(pool.stats().bytes_in_use, 0u);
  EXPECT_NE(pool.allocate(100), nullptr);
}

TEST(MemoryPool, ServesSeveralThreads) {
  System system;
  MemoryPool pool(system.raw());
  std::vector<std::thread> threads;
  for (unsigned char mark = 1; mark <= 4; ++mark)
    threads.emplace_back([&pool, mark] {
      for (size_t round = 0; round < 2000; ++round) {
        const size_t bytes = 1 + round % 3000;
        auto* block = static_cast<unsigned char*>(pool.allocate(bytes));
        std::memset(block, mark, bytes);
        EXPECT_EQ(block[bytes / 2], mark);
        pool.release(block);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.stats().bytes_in_use, 0u);
}

TEST(CpuMemory, IsAligned) {
  auto backend = make_cpu_backend(1);
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{5000}, size_t{1} << 20, size_t{9} << 20}) {
    void* block = backend->pool().allocate(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u) << bytes;
    std::memset(block, 7, bytes);
    backend->pool().release(block);
  }
}

TEST(CpuMemory, SaysWhenThereIsNoMore) {
#ifdef D2L_SANITIZE
  GTEST_SKIP() << "the address sanitizer ends the program instead";
#endif
  auto backend = make_cpu_backend(1);
  EXPECT_EQ(message_of([&] { backend->pool().allocate(size_t{1} << 60); }).find("out of memory: "),
            0u);
}

}  // namespace
}  // namespace d2l::test
