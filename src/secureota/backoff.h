// Who gave a wrong password waits before the next try, and only who did (docs/format.md, 3.1).
//
// A source is an address, whatever its port. Memory is fixed: where there are more sources than it
// holds, the one whose last failure is longest ago is forgotten. Who has that many addresses has as
// many tries; one at a time all the same, each at the price of a PBKDF2.
#pragma once

#include "endpoint.h"

namespace secureota {

// Milliseconds.
const uint32_t kFirstWait = 1000;    // after one wrong password, doubled with each further one
const uint32_t kLongestWait = 8000;  // an owner who mistypes is not locked out

class Backoff {
 public:
  Backoff() : count_(0) {}

  // Has this source to wait still?
  bool holds(const Endpoint& source) const;

  void failed(const Endpoint& source, uint32_t now);
  void succeeded(const Endpoint& source);

  // To be called often.
  void tick(uint32_t now);

 private:
  struct Source {
    Endpoint endpoint;
    uint32_t wait;   // milliseconds, from ...
    uint32_t since;  // ... the last failure on
    bool waits;      // not over yet: so that a clock that wraps around does not begin it anew
  };

  size_t find(const Endpoint& source) const;
  void remove(size_t index);

  // The last failure of the first one is longest ago.
  static const size_t kSources = 8;
  Source sources_[kSources];
  size_t count_;
};

}  // namespace secureota
