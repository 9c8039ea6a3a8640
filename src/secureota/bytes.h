// A view of bytes that somebody else owns.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace secureota {

// Views never own and never outlive what they point at: a parsed token is a set of views into the
// buffer that the port lent.
struct Bytes {
  const uint8_t* data;
  size_t size;

  constexpr Bytes() : data(nullptr), size(0) {}
  constexpr Bytes(const uint8_t* d, size_t n) : data(d), size(n) {}

  bool empty() const { return size == 0; }
  bool operator==(const Bytes& other) const {
    return size == other.size && (size == 0 || memcmp(data, other.data, size) == 0);
  }
  bool operator!=(const Bytes& other) const { return !(*this == other); }
};

}  // namespace secureota
