#include "dns_reader.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {
namespace {

const size_t kMaxName = 255;  // bytes on the wire (RFC 1035, 2.3.4)
const unsigned kMaxLabel = 63;
const unsigned kPointerBits = 0xc0;
const unsigned kMaxPointers = 16;  // in one name; an honest one needs one or two

}  // namespace

char lowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
}

uint16_t DnsReader::take16() {
  const unsigned high = take();
  return static_cast<uint16_t>(high << 8 | take());
}

uint32_t DnsReader::take32() {
  const uint32_t high = take16();
  return high << 16 | take16();
}

void DnsReader::skip(size_t size) {
  good_ = good_ && message_.size - at_ >= size;
  at_ += good_ ? size : 0;
}

std::string DnsReader::takeName() {
  std::string name;
  size_t at = at_;
  size_t limit = at_;  // a pointer leads to before this: it can't lead into a circle
  unsigned pointers = 0;
  while (good_) {
    const unsigned length = byteAt(at);
    if (length >= kPointerBits) {
      const size_t target = (length & ~kPointerBits) << 8 | byteAt(at + 1);
      at_ = pointers == 0 ? at + 2 : at_;  // what follows the name stands behind the first of them
      good_ = good_ && target < limit && ++pointers <= kMaxPointers;
      limit = target;
      at = target;
      continue;
    }
    good_ = good_ && takeLabel(at, length, &name);
    at += 1 + length;
    if (length == 0) {
      at_ = pointers == 0 ? at : at_;
      break;
    }
  }
  return good_ ? name : std::string();
}

bool DnsReader::takeLabel(size_t at, unsigned length, std::string* name) {
  if (length > kMaxLabel || name->size() + 1 + length > kMaxName) {
    return false;
  }
  *name += static_cast<char>(length);
  for (size_t i = 1; i <= length; ++i) {
    *name += lowerCase(static_cast<char>(byteAt(at + i)));
  }
  return good_;
}

unsigned DnsReader::take() {
  const unsigned byte = byteAt(at_);
  at_ += good_ ? 1 : 0;
  return byte;
}

unsigned DnsReader::byteAt(size_t at) {
  if (at >= message_.size) {
    good_ = false;
    return 0;
  }
  return message_.data[at];
}

}  // namespace posix
}  // namespace secureota

#endif
