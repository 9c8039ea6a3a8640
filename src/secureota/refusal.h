// A refusal as it goes to the peer and into the log (docs/format.md, section 5).
#pragma once

#include "error.h"
#include "gen_time.h"
#include "text.h"

namespace secureota {

struct Refusal {
  Error why;

  // OlderThanFloor: what the token says, and what it must be newer than. kNoTime: nothing to say.
  Time signedAt;
  Time floor;

  Refusal(Error reason)  // NOLINT(google-explicit-constructor): most reasons say it all
      : why(reason), signedAt(kNoTime), floor(kNoTime) {}
};

// Room for the longest "<Reason>: <sentence> (<details>)", and a line's end.
const size_t kRefusalSize = 160;

// Writes that without a terminator, cut where `capacity` ends, and returns how much it is.
size_t formatRefusal(const Refusal& refusal, char* out, size_t capacity);

}  // namespace secureota
