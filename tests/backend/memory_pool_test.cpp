#include "framework/backend/memory_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "framework/backend/backend.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Counts the pool's allocations from the system and releases.
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

TEST(MemoryPool, AsksTheSystemForNothingInTheSteadyState) {
  System system;
  MemoryPool pool(system.raw());
  void* first = pool.allocate(3 * kMiB);
  pool.release(first);
  EXPECT_EQ(pool.allocate(3 * kMiB), first);
  EXPECT_EQ(pool.stats().system_allocations, 1u);
  void* second = pool.allocate(3 * kMiB);  // the first is in use
  EXPECT_NE(second, first);
  EXPECT_EQ(pool.stats().system_allocations, 2u);
  pool.release(first);
  pool.release(second);
  for (int step = 0; step < 100; ++step) {
    void* a = pool.allocate(2 * kMiB);
    void* b = pool.allocate(3 * kMiB);
    pool.release(a);
    pool.release(b);
  }
  EXPECT_EQ(system.allocated, 2);
}

TEST(MemoryPool, SharesMemoryBetweenSizes) {
  System system;
  MemoryPool pool(system.raw());
  pool.release(pool.allocate(8 * kMiB));
  std::vector<void*> parts;
  for (size_t size : {4 * kMiB, 2 * kMiB, kMiB, kMiB / 2}) parts.push_back(pool.allocate(size));
  EXPECT_EQ(system.allocated, 1);
  // Released in any order, they merge into one block again.
  for (size_t i : {2, 0, 3, 1}) pool.release(parts[i]);
  pool.release(pool.allocate(8 * kMiB));
  EXPECT_EQ(system.allocated, 1);
}

TEST(MemoryPool, PartsShareNothing) {
  System system;
  MemoryPool pool(system.raw());
  void* usual = pool.allocate(4 * kMiB);
  void* apart = nullptr;
  {
    const PoolPart part(pool, 1);
    apart = pool.allocate(4 * kMiB);
    pool.release(usual);  // back to its own part
    EXPECT_EQ(pool.bytes_in_use(0), 0u);
    EXPECT_EQ(pool.bytes_in_use(1), pool.stats().bytes_in_use);
    EXPECT_GE(pool.bytes_in_use(1), 4 * kMiB);
    pool.release(apart);
    EXPECT_EQ(pool.allocate(3 * kMiB), apart);
  }
  EXPECT_EQ(pool.allocate(3 * kMiB), usual);
  pool.release(apart);
  EXPECT_EQ(pool.bytes_in_use(1), 0u);
  EXPECT_NE(pool.allocate(2 * kMiB), apart);  // although it would fit
  EXPECT_EQ(system.allocated, 3);
}

TEST(MemoryPool, KeepsTheMemoryOfHeldParts) {
  System system;
  MemoryPool pool(system.raw());
  pool.release(pool.allocate(4 * kMiB));
  {
    const PoolPart part(pool, 1);
    pool.release(pool.allocate(8 * kMiB));
  }
  pool.hold_part(1, true);
  pool.trim();
  EXPECT_EQ(system.released, 1);
  pool.hold_part(1, false);
  pool.trim();
  EXPECT_EQ(system.released, 2);
}

TEST(MemoryPool, TakesTheSmallestBlockThatFits) {
  System system;
  MemoryPool pool(system.raw());
  void* large = pool.allocate(16 * kMiB);
  void* small = pool.allocate(4 * kMiB);
  pool.release(large);
  pool.release(small);
  EXPECT_EQ(pool.allocate(3 * kMiB), small);
  EXPECT_EQ(pool.allocate(16 * kMiB), large);
}

TEST(MemoryPool, LosesLittle) {
  System system;
  MemoryPool pool(system.raw());
  for (size_t bytes : {size_t{1}, size_t{257}, size_t{1000}, size_t{100001}, 3 * kMiB}) {
    const uint64_t before = pool.stats().bytes_in_use;
    void* block = pool.allocate(bytes);
    const uint64_t taken = pool.stats().bytes_in_use - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + 512);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 16, 0u);
    std::memset(block, 1, bytes);
    pool.release(block);
  }
}

TEST(MemoryPool, CountsBytes) {
#ifdef D2L_SANITIZE
  GTEST_SKIP() << "blocks are larger, to catch what goes beyond them";
#endif
  System system;
  {
    MemoryPool pool(system.raw());
    void* a = pool.allocate(4 * kMiB);
    void* b = pool.allocate(8 * kMiB);
    pool.release(a);
    EXPECT_EQ(pool.stats().bytes_in_use, 8 * kMiB);
    EXPECT_EQ(pool.stats().peak_bytes_in_use, 12 * kMiB);
    EXPECT_EQ(pool.stats().bytes_reserved, 12 * kMiB);
    pool.trim();
    EXPECT_EQ(system.released, 1);
    EXPECT_EQ(pool.stats().bytes_reserved, 8 * kMiB);
    pool.release(b);
    pool.release(pool.allocate(100));
  }
  EXPECT_EQ(system.released, system.allocated);
}

// Blocks with random sizes and lifetimes never overlap, and no memory is lost.
TEST(MemoryPool, SurvivesARandomLife) {
  System system;
  MemoryPool pool(system.raw());
  std::mt19937 random(7);
  struct Held {
    unsigned char* block;
    size_t bytes;
    unsigned char mark;
  };
  std::vector<Held> held;
  auto let_go = [&](size_t i) {
    const Held& one = held[i];
    EXPECT_EQ(std::count(one.block, one.block + one.bytes, one.mark),
              static_cast<ptrdiff_t>(one.bytes));
    pool.release(one.block);
    held[i] = held.back();
    held.pop_back();
  };
  for (int round = 0; round < 5000; ++round) {
    if (!held.empty() && random() % 100 < 49) {
      let_go(random() % held.size());
      continue;
    }
    const size_t bytes = 1 + (size_t{1} << random() % 18) + random() % 1000;
    const auto mark = static_cast<unsigned char>(random());
    held.push_back({static_cast<unsigned char*>(pool.allocate(bytes)), bytes, mark});
    std::memset(held.back().block, mark, bytes);
  }
  while (!held.empty()) let_go(0);
  EXPECT_EQ(pool.stats().bytes_in_use, 0u);
  pool.trim();
  EXPECT_EQ(pool.stats().bytes_reserved, 0u);
  EXPECT_EQ(system.released, system.allocated);
}

TEST(MemoryPool, GivesUpWhatIsFreeBeforeItFails) {
  size_t left = 16 * kMiB;
  std::map<void*, size_t> sizes;
  MemoryPool pool({[&](size_t bytes) {
                     check(bytes <= left, "out of memory");
                     left -= bytes;
                     void* block = std::malloc(bytes);
                     sizes[block] = bytes;
                     return block;
                   },
                   [&](void* block) {
                     left += sizes[block];
                     std::free(block);
                   }});
  void* kept = pool.allocate(4 * kMiB);
  pool.release(pool.allocate(8 * kMiB));
  void* large = pool.allocate(10 * kMiB);  // only by replacing the 8 MiB
  EXPECT_NE(large, nullptr);
  EXPECT_EQ(message_of([&] { pool.allocate(4 * kMiB); }), "out of memory");
  pool.release(kept);
  EXPECT_NE(pool.allocate(4 * kMiB), nullptr);
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
