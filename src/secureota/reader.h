// The only way to untrusted bytes: forward, one bounds check, a failure advances nothing.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  bool atEnd() const { return rest_.size == 0; }
  size_t left() const { return rest_.size; }

  // The next byte, if there is one; nothing is taken.
  bool peek(uint8_t* out) const {
    if (rest_.size < 1) {
      return false;
    }
    *out = rest_.data[0];
    return true;
  }

  // Takes `size` bytes off the front. False, and nothing taken, if fewer are left.
  bool take(size_t size, Bytes* out) {
    if (rest_.size < size) {
      return false;
    }
    *out = Bytes(rest_.data, size);
    rest_.data += size;
    rest_.size -= size;
    return true;
  }

 private:
  Bytes rest_;
};

}  // namespace secureota
