#include "http_pull.h"

#include "text.h"

namespace secureota {

typedef UpdateListener::Stage Stage;

HttpPull::HttpPull()
    : kind_(ImageKind::Application),
      text_(),
      response_(text_),
      inBody_(false),
      bodyLeft_(0),
      redirects_(0),
      fruitless_(0),
      interim_(0),
      etagSize_(0),
      outcome_(Outcome::Refused),
      why_(Error::None) {}

HttpPull::Next HttpPull::begin(const UpdaterParts& parts, ImageKind kind, Bytes url, Bytes etag) {
  updater_.abort();
  parts_ = parts;
  kind_ = kind;
  first_ = url;
  redirects_ = 0;
  fruitless_ = 0;
  setEtag(etag);
  response_.reset();
  return connectTo(url);
}

HttpPull::Next HttpPull::connectTo(Bytes url) {
  inBody_ = false;
  interim_ = 0;
  if (url.empty() || url.size > kMaxUrlSize) {
    return fail(Error::BadUrl, Stage::Connection);
  }
  memmove(urlText_, url.data, url.size);
  const Error error = parseUrl(asBytes(urlText_, url.size), &url_);
  return error == Error::None ? Next::Connect : fail(error, Stage::Connection);
}

// ---- the request ----

static size_t append(Bytes bytes, char* out, size_t at) {
  memcpy(out + at, bytes.data, bytes.size);
  return at + bytes.size;
}

Bytes HttpPull::request() {
  size_t at = append(asBytes("GET "), text_, 0);
  at = append(url_.target.empty() ? asBytes("/") : url_.target, text_, at);
  at = append(asBytes(" HTTP/1.1\r\nHost: "), text_, at);
  at = append(url_.authority, text_, at);
  at = append(asBytes("\r\nUser-Agent: SecureOTA\r\nAccept-Encoding: identity\r\n"), text_, at);
  if (resuming()) {
    at = append(asBytes("Range: bytes="), text_, at);
    at += formatNumber(updater_.taken(), text_ + at);
    at = append(asBytes("-\r\nIf-Range: "), text_, at);
    at = append(etag(), text_, at);
    at = append(asBytes("\r\n"), text_, at);
  } else if (etagSize_ != 0) {
    at = append(asBytes("If-None-Match: "), text_, at);
    at = append(etag(), text_, at);
    at = append(asBytes("\r\n"), text_, at);
  }
  at = append(asBytes("Connection: close\r\n\r\n"), text_, at);
  response_.reset();
  return asBytes(text_, at);
}

// ---- the answer ----

HttpPull::Next HttpPull::onBytes(Bytes bytes) {
  Next next = Next::Read;
  while (next == Next::Read && !bytes.empty()) {
    if (inBody_) {
      next = takeBody(&bytes);
      continue;
    }
    size_t taken = 0;
    const Error error = response_.feed(bytes, &taken);
    if (error != Error::None) {
      return fail(error, Stage::Transfer);
    }
    bytes = Bytes(bytes.data + taken, bytes.size - taken);
    if (response_.complete()) {
      next = onHead();
    }
  }
  return next;
}

HttpPull::Next HttpPull::onHead() {
  switch (response_.status()) {
    case 200:
      return beginBody();
    case 206:
      return resumeBody();
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return onRedirect();
    case 304:
      if (etagSize_ != 0 && !resuming()) {
        return end(Outcome::NothingNew);
      }
      break;
    case 100:
    case 102:
    case 103:
      if (++interim_ <= kMaxInterim) {
        response_.reset();
        return Next::Read;
      }
      break;
    default:
      break;
  }
  return fail(Error::NotServed, Stage::Connection);
}

HttpPull::Next HttpPull::onRedirect() {
  if (++redirects_ > kMaxRedirects) {
    return fail(Error::TooManyRedirects, Stage::Connection);
  }
  size_t size = 0;
  const Error error = resolveReference(url_, response_.location(), urlText_, &size);
  return error == Error::None ? connectTo(asBytes(urlText_, size)) : fail(error, Stage::Connection);
}

// The file from its beginning; also where we asked for the rest of one that has changed since.
HttpPull::Next HttpPull::beginBody() {
  if (response_.isCoded() || !response_.hasLength()) {
    return fail(Error::NotPlain, Stage::Connection);
  }
  setEtag(response_.etag());
  const Error error = updater_.begin(parts_, kind_, response_.length());
  if (error != Error::None) {
    return fail(error, Stage::Connection);
  }
  inBody_ = true;
  bodyLeft_ = response_.length();
  return bodyLeft_ == 0 ? finishBody() : Next::Read;
}

HttpPull::Next HttpPull::resumeBody() {
  const HttpResponse::Range& range = response_.range();
  if (!resuming() || response_.isCoded()) {
    return fail(Error::NotServed, Stage::Connection);
  }
  const Bytes now = response_.etag();
  const uint32_t left = updater_.totalSize() - updater_.taken();
  if (!response_.hasRange() || range.first != updater_.taken() || range.last != range.total - 1 ||
      range.total != updater_.totalSize() ||
      (response_.hasLength() && response_.length() != left) || (!now.empty() && now != etag())) {
    return fail(Error::HttpMalformed, Stage::Transfer);
  }
  inBody_ = true;
  bodyLeft_ = left;
  return Next::Read;
}

HttpPull::Next HttpPull::takeBody(Bytes* rest) {
  const size_t size = rest->size < bodyLeft_ ? rest->size : bodyLeft_;
  const Error error = updater_.write(Bytes(rest->data, size));
  if (error != Error::None) {
    return fail(error, Stage::Transfer);
  }
  *rest = Bytes(rest->data + size, rest->size - size);
  bodyLeft_ -= static_cast<uint32_t>(size);
  fruitless_ = 0;
  if (updater_.accepted() && updater_.alreadyRunning()) {
    parts_.listener->onAlreadyRunning(updater_.token());
    return end(Outcome::NothingNew);  // whatever else there is of it
  }
  return bodyLeft_ == 0 ? finishBody() : Next::Read;
}

HttpPull::Next HttpPull::finishBody() {
  const Error error = updater_.finish();
  return error == Error::None ? end(Outcome::Updated) : fail(error, Stage::Finish);
}

// ---- what ends it ----

HttpPull::Next HttpPull::onClosed(Error why) {
  if (!resuming() || !isStrongEtag(etag()) || ++fruitless_ > kMaxFruitless) {
    return fail(why, Stage::Transfer);
  }
  // From the first URL on: an address that was signed for a moment may be good no longer.
  redirects_ = 0;
  return connectTo(first_);
}

HttpPull::Next HttpPull::giveUp(Error why) {
  return fail(why, Stage::Transfer);
}

HttpPull::Next HttpPull::end(Outcome outcome) {
  updater_.abort();
  outcome_ = outcome;
  why_ = Error::None;
  if (outcome == Outcome::Updated) {
    etagSize_ = 0;  // it is new as long as it is not confirmed
  }
  return Next::Done;
}

HttpPull::Next HttpPull::fail(Error why, Stage at) {
  updater_.abort();
  outcome_ = Outcome::Refused;
  why_ = why;
  etagSize_ = 0;
  parts_.listener->onRefused(updater_.explain(why), at);
  return Next::Done;
}

void HttpPull::setEtag(Bytes etag) {
  etagSize_ = etag.size <= kMaxEtagSize && isEtag(etag) ? etag.size : 0;
  if (etagSize_ != 0) {
    memmove(etag_, etag.data, etagSize_);
  }
}

}  // namespace secureota
