#include "http_response.h"

#include "text.h"

namespace secureota {

bool isStrongEtag(Bytes etag) {
  return !etag.empty() && etag.data[0] == '"';
}

// RFC 9110, section 8.8.3.
bool isEtag(Bytes text) {
  if (startsWith(text, "W/")) {
    text = Bytes(text.data + 2, text.size - 2);
  }
  if (text.size < 2 || text.data[0] != '"' || text.data[text.size - 1] != '"') {
    return false;
  }
  for (size_t i = 1; i + 1 < text.size; ++i) {
    if (text.data[i] <= ' ' || text.data[i] == '"' || text.data[i] == 0x7f) {
      return false;
    }
  }
  return true;
}

HttpResponse::HttpResponse(char line[kHttpResponseLineSize])
    : HttpHead(line, kHttpResponseLineSize) {
  reset();
}

void HttpResponse::reset() {
  resetHead();
  status_ = 0;
  hasLength_ = false;
  length_ = 0;
  hasRange_ = false;
  range_ = Range();
  coded_ = false;
  hasEtag_ = false;
  etagSize_ = 0;
  locationSize_ = 0;
}

Bytes HttpResponse::etag() const {
  return asBytes(etag_, etagSize_);
}

Bytes HttpResponse::location() const {
  return asBytes(location_, locationSize_);
}

// HTTP/1.x SP three digits, and behind a space what a person may read.
Error HttpResponse::onFirstLine(Bytes line) {
  Bytes rest = line;
  const Bytes version = cut(&rest, ' ');
  const Bytes status = cut(&rest, ' ');
  uint32_t number = 0;
  if ((version != asBytes("HTTP/1.1") && version != asBytes("HTTP/1.0")) || status.size != 3 ||
      !parseNumber(status, &number) || number < 100) {
    return Error::HttpMalformed;
  }
  status_ = static_cast<unsigned>(number);
  return Error::None;
}

Error HttpResponse::onField(Bytes name, Bytes value, bool whole) {
  const bool isLocation = isWord(name, "location");
  if (isWord(name, "transfer-encoding") ||
      (isWord(name, "content-encoding") && !isWord(value, "identity"))) {
    coded_ = true;
  }
  if (!whole) {
    return isLocation ? Error::BadUrl : Error::None;
  }
  if (isWord(name, "content-length")) {
    return takeLength(value);
  }
  if (isWord(name, "content-range")) {
    return takeRange(value);
  }
  if (isWord(name, "etag")) {
    return takeEtag(value);
  }
  return isLocation ? takeLocation(value) : Error::None;
}

Error HttpResponse::takeLength(Bytes value) {
  if (hasLength_ || !parseNumber(value, &length_)) {
    return Error::HttpMalformed;
  }
  hasLength_ = true;
  return Error::None;
}

// bytes 1000-1999/2000. Where it says anything else, "bytes */2000" among it, there is no such
// part.
Error HttpResponse::takeRange(Bytes value) {
  Bytes rest = value;
  const Bytes unit = cut(&rest, ' ');
  const Bytes first = cut(&rest, '-');
  const Bytes last = cut(&rest, '/');
  Range range;
  if (hasRange_) {
    return Error::HttpMalformed;
  }
  if (isWord(unit, "bytes") && parseNumber(first, &range.first) && parseNumber(last, &range.last) &&
      parseNumber(rest, &range.total) && range.first <= range.last && range.last < range.total) {
    hasRange_ = true;
    range_ = range;
  }
  return Error::None;
}

Error HttpResponse::takeEtag(Bytes value) {
  if (hasEtag_) {
    return Error::HttpMalformed;
  }
  hasEtag_ = true;
  if (value.size <= kMaxEtagSize && isEtag(value)) {
    memcpy(etag_, value.data, value.size);
    etagSize_ = value.size;
  }
  return Error::None;
}

Error HttpResponse::takeLocation(Bytes value) {
  if (locationSize_ != 0) {
    return Error::HttpMalformed;
  }
  if (value.size > kMaxUrlSize) {
    return Error::BadUrl;
  }
  if (!value.empty()) {
    memcpy(location_, value.data, value.size);
  }
  locationSize_ = value.size;
  return Error::None;
}

}  // namespace secureota
