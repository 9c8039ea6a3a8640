// Times as they stand in tokens and certificates.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Microseconds since 1970-01-01T00:00:00Z. Enough for every year that GeneralizedTime can name.
typedef int64_t Time;
const Time kNoTime = INT64_MIN;
const Time kSecond = 1000000;

// The fourteen digits `YYYYMMDDhhmmss`, in UTC. False where they are no digits or name no second
// that exists (a leap second is none).
bool parseCalendarTime(const uint8_t digits[14], Time* out);

// genTime: `YYYYMMDDhhmmss[.f+]Z` without trailing zeros (RFC 3161 2.4.2). Digits beyond
// microseconds are dropped. BadGenTime.
SECUREOTA_NODISCARD Error parseGenTime(Bytes text, Time* out);

}  // namespace secureota
