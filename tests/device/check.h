// The smallest test harness that counts.
//
// A test program calls its tests from main() and ends with `return secureota_test::report();`: the
// last line says "N passed, M failed", and the exit status is 0 only if nothing failed.
#pragma once

#include <stdio.h>

#include "secureota/error.h"

namespace secureota_test {

struct Counts {
  unsigned passed;
  unsigned failed;
};

inline Counts& counts() {
  static Counts counts = {0, 0};
  return counts;
}

inline bool check(bool holds, const char* what, const char* file, int line) {
  if (holds) {
    ++counts().passed;
  } else {
    ++counts().failed;
    printf("%s:%d: not so: %s\n", file, line, what);
  }
  return holds;
}

inline bool checkError(secureota::Error found, secureota::Error wanted, const char* what,
                       const char* file, int line) {
  if (!check(found == wanted, what, file, line)) {
    printf("    %s, not %s\n", secureota::errorName(found), secureota::errorName(wanted));
    return false;
  }
  return true;
}

inline int report() {
  printf("%u passed, %u failed\n", counts().passed, counts().failed);
  return counts().failed == 0 && counts().passed != 0 ? 0 : 1;
}

}  // namespace secureota_test

#define CHECK(condition) secureota_test::check((condition), #condition, __FILE__, __LINE__)
#define CHECK_ERROR(found, wanted) \
  secureota_test::checkError((found), (wanted), #found, __FILE__, __LINE__)
