// Unpredictable bytes; a port implements it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace secureota {

class RandomSource {
 public:
  virtual void fill(uint8_t* out, size_t size) = 0;

 protected:
  ~RandomSource() {}
};

}  // namespace secureota
