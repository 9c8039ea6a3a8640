#include "two_copies.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {
namespace {

void put32(uint32_t number, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    out[i] = static_cast<uint8_t>(number >> (8 * i));
  }
}

uint32_t take32(const uint8_t* from) {
  uint32_t number = 0;
  for (int i = 3; i >= 0; --i) {
    number = number << 8 | from[i];
  }
  return number;
}

// CRC-32 of IEEE 802.3.
uint32_t crc32(const uint8_t* bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
  }
  return ~crc;
}

}  // namespace

void TwoCopies::read(int which, Copy* out) {
  out->good = false;
  if (!flash_->read(sector(which), out->bytes, kHeaderSize)) {
    return;
  }
  out->sequence = take32(out->bytes);
  out->size = take32(out->bytes + 4);
  if (out->size == 0 || out->size > kMaxSize ||
      !flash_->read(sector(which), out->bytes, kHeaderSize + out->size + kCheckSize)) {
    return;
  }
  const size_t checked = kHeaderSize + out->size;
  out->good = crc32(out->bytes, checked) == take32(out->bytes + checked);
}

// -1 if no copy is good.
int TwoCopies::newest(Copy copies[2]) {
  read(0, &copies[0]);
  read(1, &copies[1]);
  if (copies[0].good && copies[1].good) {
    return copies[0].sequence > copies[1].sequence ? 0 : 1;
  }
  return copies[0].good ? 0 : copies[1].good ? 1 : -1;
}

size_t TwoCopies::load(uint8_t* out, size_t capacity) {
  Copy copies[2];
  const int which = newest(copies);
  if (which < 0) {
    return 0;
  }
  const size_t size = copies[which].size < capacity ? copies[which].size : capacity;
  memcpy(out, copies[which].bytes + kHeaderSize, size);
  return size;
}

Error TwoCopies::save(Bytes bytes) {
  if (bytes.empty() || bytes.size > kMaxSize) {
    return Error::FlashWriteFailed;
  }
  Copy copies[2];
  const int old = newest(copies);
  Copy copy;
  put32(old < 0 ? 1 : copies[old].sequence + 1, copy.bytes);
  put32(static_cast<uint32_t>(bytes.size), copy.bytes + 4);
  memcpy(copy.bytes + kHeaderSize, bytes.data, bytes.size);
  const size_t checked = kHeaderSize + bytes.size;
  put32(crc32(copy.bytes, checked), copy.bytes + checked);

  const Bytes whole(copy.bytes, checked + kCheckSize);
  const int first = old == 0 ? 1 : 0;
  return write(first, whole) && write(1 - first, whole) ? Error::None : Error::FlashWriteFailed;
}

bool TwoCopies::write(int which, Bytes whole) {
  if (!flash_->erase(sector(which), kSectorSize)) {
    return false;
  }
  for (size_t at = 0; at < whole.size; at += kPageSize) {
    const size_t piece = whole.size - at < kPageSize ? whole.size - at : kPageSize;
    if (!flash_->program(sector(which) + static_cast<uint32_t>(at),
                         Bytes(whole.data + at, piece))) {
      return false;
    }
  }
  Copy written;
  read(which, &written);
  return written.good && memcmp(written.bytes, whole.data, whole.size) == 0;
}

}  // namespace posix
}  // namespace secureota

#endif
