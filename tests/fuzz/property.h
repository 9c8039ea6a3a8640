// What must hold for every input. A fuzzer that finds an input for which it doesn't stops there,
// says what was promised, and leaves the input behind.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define PROPERTY(condition, promise)                                                 \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, (promise)); \
      ::abort();                                                                     \
    }                                                                                \
  } while (0)
