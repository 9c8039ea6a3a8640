#include "heap.h"

#include <stdint.h>
#include <string.h>

#include "board.h"

HeapUse heapUse;

void countHeapAnew() {
  heapUse.most = heapUse.now;
  heapUse.allocations = 0;
}

namespace {

// Blocks are of sizes that are powers of two, and go back to a list of their size: an allocation
// takes the same few instructions whatever came before.
const size_t kArenaSize = 3 * 1024 * 1024;
const unsigned kClasses = 22;

union Block {
  struct {
    size_t size;  // as asked for
    unsigned kind;
  } taken;
  Block* next;  // in a list
  uint64_t align_;
};

Block* freeBlocks[kClasses];
uint8_t arena[kArenaSize] __attribute__((aligned(8)));
size_t arenaUsed;

}  // namespace

extern "C" {

void* malloc(size_t size) {
  unsigned kind = 4;
  while (kind < kClasses && (static_cast<size_t>(1) << kind) < size) {
    ++kind;
  }
  if (kind == kClasses) {
    return nullptr;
  }
  Block* block = freeBlocks[kind];
  if (block != nullptr) {
    freeBlocks[kind] = block->next;
  } else {
    const size_t whole = sizeof(Block) + (static_cast<size_t>(1) << kind);
    if (whole > kArenaSize - arenaUsed) {
      return nullptr;
    }
    block = reinterpret_cast<Block*>(arena + arenaUsed);
    arenaUsed += whole;
  }
  block->taken.size = size;
  block->taken.kind = kind;
  heapUse.now += size;
  heapUse.most = heapUse.now > heapUse.most ? heapUse.now : heapUse.most;
  ++heapUse.allocations;
  ++heapUse.blocks;
  return block + 1;
}

void* calloc(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    return nullptr;
  }
  void* const memory = malloc(count * size);
  return memory == nullptr ? nullptr : memset(memory, 0, count * size);
}

void free(void* memory) {
  if (memory == nullptr) {
    return;
  }
  Block* const block = static_cast<Block*>(memory) - 1;
  heapUse.now -= block->taken.size;
  --heapUse.blocks;
  const unsigned kind = block->taken.kind;
  block->next = freeBlocks[kind];
  freeBlocks[kind] = block;
}
}
