// A connection that bytes go over, in both directions: TCP, or TLS on top of it.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Nothing here blocks, except where it says so.
class ByteStream {
 public:
  // Closes what was open, and connects. May take some seconds. False where nobody answers there, or
  // is not who it must be.
  SECUREOTA_NODISCARD virtual bool connect(const char* host, uint16_t port) = 0;

  // Takes what is there, at most `capacity` bytes; 0 if nothing is there now.
  virtual size_t read(uint8_t* out, size_t capacity) = 0;

  // Sends the beginning of `bytes`, as much as goes now, and returns how much that is.
  virtual size_t write(Bytes bytes) = 0;

  // Nothing more will come, or can be sent: the peer has ended it and everything is read, it broke,
  // or there is none.
  virtual bool ended() = 0;

  virtual void close() = 0;

 protected:
  ~ByteStream() {}
};

}  // namespace secureota
