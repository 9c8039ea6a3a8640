#include "error.h"

namespace secureota {

const char* errorName(Error error) {
  switch (error) {
    case Error::None:
      return "None";
#define SECUREOTA_CASE(name, sentence) \
  case Error::name:                    \
    return #name;
      SECUREOTA_ERRORS(SECUREOTA_CASE)
#undef SECUREOTA_CASE
  }
  return "Unknown";
}

const char* errorSentence(Error error) {
  switch (error) {
    case Error::None:
      return "accepted";
#define SECUREOTA_CASE(name, sentence) \
  case Error::name:                    \
    return sentence;
      SECUREOTA_ERRORS(SECUREOTA_CASE)
#undef SECUREOTA_CASE
  }
  return "unknown";
}

}  // namespace secureota
