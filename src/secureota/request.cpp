#include "request.h"

#include "text.h"

namespace secureota {
namespace {

const char kPrefix[] = "RedWax/1.";

bool isDigit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

// False if it is a wanted key, and its value is empty or the second one.
bool takePair(Bytes pair, const Wanted* wanted, size_t count) {
  Bytes value = pair;
  const Bytes key = cut(&value, '=');
  for (size_t i = 0; i < count; ++i) {
    if (key == asBytes(wanted[i].key)) {
      if (value.empty() || !wanted[i].value->empty()) {
        return false;
      }
      *wanted[i].value = value;
    }
  }
  return true;
}

}  // namespace

bool looksLikeRequest(Bytes datagram) {
  return isRedWaxForm(datagram) || (!datagram.empty() && isDigit(datagram.data[0]));
}

bool isRedWaxForm(Bytes datagram) {
  return startsWith(datagram, kPrefix);
}

Error takeLine(Bytes datagram, Bytes* out) {
  if (datagram.empty() || datagram.size > kMaxDatagramSize ||
      datagram.data[datagram.size - 1] != '\n') {
    return Error::BadInvitation;
  }
  const Bytes line(datagram.data, datagram.size - 1);
  for (size_t i = 0; i < line.size; ++i) {
    if (line.data[i] < ' ' || line.data[i] > '~') {
      return Error::BadInvitation;
    }
  }
  *out = line;
  return Error::None;
}

Error readPairs(Bytes line, const Wanted* wanted, size_t count) {
  Bytes rest = line;
  const Bytes version = cut(&rest, ' ');
  for (size_t i = strlen(kPrefix); i < version.size; ++i) {
    if (!isDigit(version.data[i])) {
      return Error::BadInvitation;
    }
  }
  while (!rest.empty()) {
    if (!takePair(cut(&rest, ' '), wanted, count)) {
      return Error::BadInvitation;
    }
  }
  return Error::None;
}

}  // namespace secureota
