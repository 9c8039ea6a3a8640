#include "url.h"

#include "text.h"

namespace secureota {
namespace {

const char kHttp[] = "http://";
const char kHttps[] = "https://";

bool isVisible(Bytes text) {
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '!' || text.data[i] > '~' || text.data[i] == '#') {
      return false;
    }
  }
  return true;
}

bool isHost(Bytes text) {
  for (size_t i = 0; i < text.size; ++i) {
    const uint8_t c = text.data[i];
    if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' &&
        c != '-' && c != '_') {
      return false;
    }
  }
  return !text.empty() && text.size <= kMaxHostSize;
}

Bytes from(Bytes text, size_t at) {
  return Bytes(text.data + at, text.size - at);
}

size_t find(Bytes text, uint8_t first, uint8_t second) {
  size_t i = 0;
  while (i < text.size && text.data[i] != first && text.data[i] != second) {
    ++i;
  }
  return i;
}

}  // namespace

Error parseUrl(Bytes text, Url* out) {
  Url url;
  url.tls = startsWith(text, kHttps);
  if ((!url.tls && !startsWith(text, kHttp)) || text.size > kMaxUrlSize || !isVisible(text)) {
    return Error::BadUrl;
  }
  const Bytes rest = from(text, url.tls ? sizeof kHttps - 1 : sizeof kHttp - 1);
  const size_t end = find(rest, '/', '?');
  url.authority = Bytes(rest.data, end);
  url.target = from(rest, end);
  Bytes port = url.authority;
  url.host = cut(&port, ':');
  uint32_t number = url.tls ? 443 : 80;
  const bool hasPort = url.host.size != url.authority.size;
  if (!isHost(url.host) || (hasPort && !parseNumber(port, &number)) || number == 0 ||
      number > UINT16_MAX || (!url.target.empty() && url.target.data[0] != '/')) {
    return Error::BadUrl;
  }
  url.port = static_cast<uint16_t>(number);
  *out = url;
  return Error::None;
}

Error resolveReference(const Url& base, Bytes reference, char out[kMaxUrlSize], size_t* size) {
  const Bytes whole = cut(&reference, '#');
  Url url;
  if (parseUrl(whole, &url) == Error::None) {
    if (url.tls != base.tls) {
      return Error::BadUrl;
    }
    memmove(out, whole.data, whole.size);
    *size = whole.size;
    return Error::None;
  }
  const Bytes scheme = asBytes(base.tls ? kHttps : kHttp);
  const size_t front = scheme.size + base.authority.size;
  if (whole.empty() || whole.data[0] != '/' || startsWith(whole, "//") || !isVisible(whole) ||
      whole.size > kMaxUrlSize - front) {
    return Error::BadUrl;
  }
  memmove(out + scheme.size, base.authority.data, base.authority.size);
  memcpy(out, scheme.data, scheme.size);
  memcpy(out + front, whole.data, whole.size);
  *size = front + whole.size;
  return Error::None;
}

}  // namespace secureota
