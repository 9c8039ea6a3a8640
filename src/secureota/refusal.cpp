#include "refusal.h"

namespace secureota {

size_t formatRefusal(Error why, char* out, size_t capacity) {
  size_t at = appendText(errorName(why), out, 0, capacity);
  at = appendText(": ", out, at, capacity);
  return appendText(errorSentence(why), out, at, capacity);
}

}  // namespace secureota
