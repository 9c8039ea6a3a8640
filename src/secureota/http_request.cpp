#include "http_request.h"

#include "text.h"

namespace secureota {

void HttpRequest::Text::reset() {
  size_ = 0;
  there_ = false;
}

Error HttpRequest::Text::take(Bytes value) {
  if (there_ || value.size > kTextSize) {
    return Error::HttpMalformed;
  }
  if (!value.empty()) {
    memcpy(data_, value.data, value.size);
  }
  size_ = value.size;
  there_ = true;
  return Error::None;
}

Bytes HttpRequest::Text::bytes() const {
  return asBytes(data_, size_);
}

HttpRequest::HttpRequest() : HttpHead(line_, kLineSize) {
  reset();
}

void HttpRequest::reset() {
  resetHead();
  method_ = Method::Other;
  path_.reset();
  host_.reset();
  origin_.reset();
  type_.reset();
  kind_.reset();
  password_.reset();
  hasLength_ = false;
  length_ = 0;
  coded_ = false;
  expectsContinue_ = false;
}

// GET /path?query HTTP/1.1
Error HttpRequest::onFirstLine(Bytes line) {
  Bytes rest = line;
  const Bytes method = cut(&rest, ' ');
  Bytes target = cut(&rest, ' ');
  if ((rest != asBytes("HTTP/1.1") && rest != asBytes("HTTP/1.0")) || method.empty() ||
      target.empty() || target.data[0] != '/') {
    return Error::HttpMalformed;
  }
  if (method == asBytes("GET")) {
    method_ = Method::Get;
  } else if (method == asBytes("POST")) {
    method_ = Method::Post;
  }
  const Bytes path = cut(&target, '?');
  return path.size <= kTextSize ? path_.take(path) : Error::None;
}

HttpRequest::Text* HttpRequest::textFor(Bytes name) {
  struct Wanted {
    const char* name;
    Text* text;
  };
  const Wanted kWanted[] = {{"host", &host_},
                            {"origin", &origin_},
                            {"content-type", &type_},
                            {"x-secureota-kind", &kind_},
                            {"x-secureota-password", &password_}};
  for (const Wanted& wanted : kWanted) {
    if (isWord(name, wanted.name)) {
      return wanted.text;
    }
  }
  return nullptr;
}

Error HttpRequest::onField(Bytes name, Bytes value, bool whole) {
  Text* const text = textFor(name);
  const bool isLength = isWord(name, "content-length");
  coded_ = coded_ || isWord(name, "transfer-encoding");
  if (!whole) {
    return text != nullptr || isLength ? Error::HttpMalformed : Error::None;
  }
  if (isLength) {
    return takeLength(value);
  }
  if (isWord(name, "expect")) {
    expectsContinue_ = isWord(value, "100-continue");
  }
  return text != nullptr ? text->take(value) : Error::None;
}

Error HttpRequest::takeLength(Bytes value) {
  if (hasLength_ || !parseNumber(value, &length_)) {
    return Error::HttpMalformed;
  }
  hasLength_ = true;
  return Error::None;
}

}  // namespace secureota
