// A refusal as it goes to the peer and into the log (docs/format.md, section 5).
#pragma once

#include "error.h"
#include "text.h"

namespace secureota {

// Room for the longest "<Reason>: <sentence>", and a line's end.
const size_t kRefusalSize = 160;

// Writes "<Reason>: <sentence>" without a terminator, cut where `capacity` ends, and returns how
// much that is.
size_t formatRefusal(Error why, char* out, size_t capacity);

}  // namespace secureota
