// The heap, which counts. calloc() and free() of the whole program come here; the core has no
// business with them, so that what is counted is mbedtls.
#pragma once

#include <stddef.h>

struct HeapUse {
  size_t now;   // bytes that were asked for and not given back
  size_t most;  // the most that `now` has been
  size_t allocations;
  size_t blocks;  // not given back
};

extern HeapUse heapUse;

// Starts to count anew; what is in use stays in use.
void countHeapAnew();
