#include "refusal.h"

#include "time_text.h"

namespace secureota {

size_t formatRefusal(const Refusal& refusal, char* out, size_t capacity) {
  size_t at = appendText(errorName(refusal.why), out, 0, capacity);
  at = appendText(": ", out, at, capacity);
  at = appendText(errorSentence(refusal.why), out, at, capacity);
  if (refusal.signedAt == kNoTime || refusal.floor == kNoTime) {
    return at;
  }
  char time[kTimeTextSize];
  formatTime(refusal.signedAt, time);
  at = appendText(" (signed ", out, at, capacity);
  at = appendText(time, out, at, capacity);
  formatTime(refusal.floor, time);
  at = appendText(", must be after ", out, at, capacity);
  at = appendText(time, out, at, capacity);
  return appendText(")", out, at, capacity);
}

}  // namespace secureota
