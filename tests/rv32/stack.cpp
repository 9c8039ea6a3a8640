#include "stack.h"

#include <stdint.h>

extern "C" uint32_t stack_start[];

namespace {

const uint32_t kPaint = 0xa5a5a5a5;

uint32_t* here() {
  uint32_t* sp;
  __asm__ volatile("mv %0, sp" : "=r"(sp));
  return sp;
}

}  // namespace

// Nothing but work() runs below the frame of this function.
size_t __attribute__((noinline)) stackOf(void (*work)(void*), void* argument) {
  uint32_t* const top = here();
  for (volatile uint32_t* at = stack_start; at != top; ++at) {
    *at = kPaint;
  }
  work(argument);
  const volatile uint32_t* deepest = stack_start;
  while (deepest != top && *deepest == kPaint) {
    ++deepest;
  }
  return static_cast<size_t>(top - deepest) * sizeof *top;
}
