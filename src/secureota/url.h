// Where a container is to be fetched from: RFC 3986, as far as a device needs it.
//
//     http[s]://<host>[:<port>][/<path>[?<query>]]
//
// The host is a name or an IPv4 address. There is no user, no password and no fragment: who writes
// one of them means something that would not happen.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Characters of a URL. Addresses that a CDN signs for a moment have up to a thousand.
const size_t kMaxUrlSize = 1024;

// Characters of a host: RFC 1035, section 2.3.4, less the root's dot.
const size_t kMaxHostSize = 253;

// Views into the URL's text.
struct Url {
  bool tls;
  Bytes authority;  // host and port, as they stand there
  Bytes host;
  uint16_t port;
  Bytes target;  // path and query; empty stands for "/"

  Url() : tls(false), port(0) {}
};

// BadUrl.
SECUREOTA_NODISCARD Error parseUrl(Bytes text, Url* out);

// The URL to which a server refers from `from`: a URL of the same scheme, or a path on the same
// host. A fragment is left out. Writes it into `out`, which may hold what `from` shows, and counts
// it in `size`; both untouched on failure. BadUrl.
SECUREOTA_NODISCARD Error resolveReference(const Url& from, Bytes reference, char out[kMaxUrlSize],
                                           size_t* size);

}  // namespace secureota
