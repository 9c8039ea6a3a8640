// What a device says of itself by multicast DNS (docs/format.md, 3.4): the service _arduino._tcp.
#pragma once

#include "bytes.h"

namespace secureota {

// Views belong to the caller.
struct Announcement {
  const char* hostname;  // also the service's instance name; at most 63 characters
  uint16_t port;         // for invitations
  bool password;         // it asks for one
  Bytes product;         // empty: not said
  Bytes version;         // likewise

  Announcement() : hostname(""), port(0), password(false) {}
};

}  // namespace secureota
