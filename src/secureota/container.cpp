#include "container.h"

#include "text.h"

namespace secureota {
namespace {

const char kMagic[] = "RedWax/";
const size_t kMagicSize = sizeof kMagic - 1;

bool isPrintable(Bytes text) {
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '!' || text.data[i] > '~') {
      return false;
    }
  }
  return true;
}

// "RedWax/1." and at least one digit.
bool isVersion1(Bytes word) {
  if (!startsWith(word, "RedWax/1.")) {
    return false;
  }
  const size_t digits = kMagicSize + 2;
  for (size_t i = digits; i < word.size; ++i) {
    if (word.data[i] < '0' || word.data[i] > '9') {
      return false;
    }
  }
  return word.size > digits;
}

// A hint; the first one counts.
void takeHint(Bytes value, Bytes* hint) {
  if (hint->empty()) {
    *hint = value;
  }
}

// A size that stands there for the first time.
bool takeSize(Bytes value, uint32_t* size) {
  return *size == 0 && parseNumber(value, size) && *size != 0;
}

}  // namespace

Error parseContainerHeader(Bytes line, ContainerHeader* out) {
  Bytes rest = line;
  if (!isVersion1(cut(&rest, ' '))) {
    return Error::HeaderMalformed;
  }
  // An empty pair in the middle of the line is refused below; one behind a last space would never
  // be seen, because nothing is left to cut.
  if (line.data[line.size - 1] == ' ') {
    return Error::HeaderMalformed;
  }
  ContainerHeader header;
  while (!rest.empty()) {
    const Bytes pair = cut(&rest, ' ');
    Bytes value = pair;
    const Bytes key = cut(&value, '=');
    if (key.empty() || key.size == pair.size || !isPrintable(pair)) {
      return Error::HeaderMalformed;
    }
    if (key == asBytes("rfc3161") && !takeSize(value, &header.tokenSize)) {
      return Error::HeaderMalformed;
    }
    if (key == asBytes("payload") && !takeSize(value, &header.imageSize)) {
      return Error::HeaderMalformed;
    }
    if (key == asBytes("product")) {
      takeHint(value, &header.product);
    }
    if (key == asBytes("kind")) {
      takeHint(value, &header.kind);
    }
  }
  if (header.tokenSize == 0 || header.imageSize == 0) {
    return Error::HeaderMalformed;
  }
  *out = header;
  return Error::None;
}

void HeaderReader::reset() {
  size_ = 0;
  complete_ = false;
}

Error HeaderReader::feed(Bytes bytes, size_t* taken) {
  size_t used = 0;
  while (!complete_ && used < bytes.size) {
    const char c = static_cast<char>(bytes.data[used++]);
    if (size_ < kMagicSize && c != kMagic[size_]) {
      return Error::NotSigned;
    }
    line_[size_++] = c;
    if (c == '\n') {
      const Bytes line(reinterpret_cast<const uint8_t*>(line_), size_ - 1);
      SECUREOTA_TRY(parseContainerHeader(line, &header_));
      complete_ = true;
    } else if (size_ == kMaxHeaderSize) {
      return Error::HeaderTooLong;
    }
  }
  *taken = used;
  return Error::None;
}

Error HeaderReader::whyIncomplete() const {
  return size_ < kMagicSize ? Error::NotSigned : Error::Truncated;
}

}  // namespace secureota
