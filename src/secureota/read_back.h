// What was hashed on its way in is not yet what lies in flash: that is read and hashed again.
#pragma once

#include "crypto.h"
#include "image_sink.h"
#include "update_listener.h"

namespace secureota {

// What reading takes: memory for a piece at a time, and somebody to tell that it goes on.
struct ReadingDesk {
  uint8_t* buffer;
  size_t size;  // bytes, at least 1
  UpdateListener* listener;
};

// Adds the first `size` bytes that lie in flash to `digest`. FlashReadBackMismatch where they can't
// be read, OutOfMemory.
SECUREOTA_NODISCARD Error readBack(ImageSink* from, uint32_t size, const ReadingDesk& desk,
                                   Digest* digest);

// Ends `digest`: FlashReadBackMismatch if it is not `expected`.
SECUREOTA_NODISCARD Error compare(Digest* digest, const uint8_t expected[kSha256Size]);

}  // namespace secureota
