#include "read_back.h"

namespace secureota {

Error readBack(ImageSink* from, uint32_t size, const ReadingDesk& desk, Digest* digest) {
  for (uint32_t at = 0; at < size;) {
    const uint32_t left = size - at;
    const size_t piece = left < desk.size ? left : desk.size;
    SECUREOTA_TRY(from->readBack(at, desk.buffer, piece));
    SECUREOTA_TRY(digest->update(Bytes(desk.buffer, piece)));
    at += static_cast<uint32_t>(piece);
    desk.listener->breathe();
  }
  return Error::None;
}

Error compare(Digest* digest, const uint8_t expected[kSha256Size]) {
  uint8_t found[kSha256Size];
  SECUREOTA_TRY(digest->finish(found));
  return memcmp(found, expected, kSha256Size) == 0 ? Error::None : Error::FlashReadBackMismatch;
}

}  // namespace secureota
