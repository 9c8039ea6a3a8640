// Where a datagram comes from or a connection goes to.
#pragma once

#include <stdint.h>
#include <string.h>

namespace secureota {

struct Endpoint {
  uint8_t address[16];  // network order; the first addressSize bytes count
  uint8_t addressSize;  // 4: IPv4, 16: IPv6
  uint16_t port;        // host order

  Endpoint() : addressSize(0), port(0) { memset(address, 0, sizeof address); }

  bool sameAddress(const Endpoint& other) const {
    return addressSize == other.addressSize && memcmp(address, other.address, addressSize) == 0;
  }
  bool operator==(const Endpoint& other) const { return sameAddress(other) && port == other.port; }
};

}  // namespace secureota
