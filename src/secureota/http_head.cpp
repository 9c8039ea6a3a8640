#include "http_head.h"

#include "text.h"

namespace secureota {
namespace {

uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c - 'A' + 'a') : c;
}

// RFC 9110, section 5.6.2.
bool isToken(Bytes text) {
  for (size_t i = 0; i < text.size; ++i) {
    const uint8_t c = lower(text.data[i]);
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
        (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == nullptr)) {
      return false;
    }
  }
  return !text.empty();
}

Bytes trim(Bytes text) {
  while (!text.empty() && (text.data[0] == ' ' || text.data[0] == '\t')) {
    text = Bytes(text.data + 1, text.size - 1);
  }
  while (!text.empty() && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
    --text.size;
  }
  return text;
}

}  // namespace

bool isWord(Bytes text, const char* word) {
  size_t i = 0;
  while (i < text.size && word[i] != '\0' && lower(text.data[i]) == lower(uint8_t(word[i]))) {
    ++i;
  }
  return i == text.size && word[i] == '\0';
}

HttpHead::HttpHead(char* line, size_t capacity) : line_(line), capacity_(capacity) {
  resetHead();
}

void HttpHead::resetHead() {
  lineSize_ = 0;
  headSize_ = 0;
  whole_ = true;
  first_ = true;
  afterCr_ = false;
  complete_ = false;
}

Error HttpHead::feed(Bytes bytes, size_t* taken) {
  size_t used = 0;
  while (!complete_ && used < bytes.size) {
    SECUREOTA_TRY(take(bytes.data[used++]));
  }
  *taken = used;
  return Error::None;
}

Error HttpHead::take(uint8_t c) {
  if (headSize_ == kMaxHttpHeadSize) {
    return Error::HttpMalformed;
  }
  ++headSize_;
  if (afterCr_) {
    afterCr_ = false;
    return c == '\n' ? endLine() : Error::HttpMalformed;
  }
  if (c == '\r') {
    afterCr_ = true;
    return Error::None;
  }
  if ((c < ' ' && c != '\t') || c == 0x7f) {
    return Error::HttpMalformed;
  }
  if (lineSize_ < capacity_) {
    line_[lineSize_++] = static_cast<char>(c);
  } else {
    whole_ = false;
  }
  return Error::None;
}

Error HttpHead::endLine() {
  const Bytes line = asBytes(line_, lineSize_);
  const bool whole = whole_;
  lineSize_ = 0;
  whole_ = true;
  if (first_) {
    first_ = false;
    return whole ? onFirstLine(line) : Error::HttpMalformed;
  }
  if (line.empty()) {
    complete_ = true;
    return Error::None;
  }
  return takeField(line, whole);
}

// A line that begins with a space has no token in front of its colon, and goes the same way.
Error HttpHead::takeField(Bytes line, bool whole) {
  Bytes value = line;
  const Bytes name = cut(&value, ':');
  if (name.size == line.size || !isToken(name)) {
    return Error::HttpMalformed;
  }
  return onField(name, trim(value), whole);
}

}  // namespace secureota
