// Times as people read them.
#pragma once

#include "gen_time.h"

namespace secureota {

// Writes "2025-01-31T23:59:59Z" (RFC 3339, fractions dropped) with a terminator. For times from
// year 0 to 9999, which are all that a token can have.
const size_t kTimeTextSize = 21;
void formatTime(Time time, char out[kTimeTextSize]);

}  // namespace secureota
