// An input, read as a script of what happens: bytes one after the other, and zeros behind its end.
#pragma once

#include <algorithm>

#include "secureota/bytes.h"

namespace fuzz {

class Script {
 public:
  explicit Script(secureota::Bytes bytes) : rest_(bytes) {}

  bool atEnd() const { return rest_.empty(); }
  uint8_t take() { return rest_.empty() ? 0 : *takeBytes(1).data; }

  // As many of them as there are.
  secureota::Bytes takeBytes(size_t size) {
    const secureota::Bytes front(rest_.data, std::min(size, rest_.size));
    rest_ = secureota::Bytes(rest_.data + front.size, rest_.size - front.size);
    return front;
  }

 private:
  secureota::Bytes rest_;
};

}  // namespace fuzz
