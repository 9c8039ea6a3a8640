// What the WebReceiver answers: heads, and where the bodies lie.
#include "web_receiver.h"

namespace secureota {

typedef UpdateListener::Stage Stage;

static const char* statusOf(Error why) {
  switch (why) {
    case Error::HttpMalformed:
      return "400 Bad Request";
    case Error::NotAuthorized:
    case Error::WrongOrigin:
      return "403 Forbidden";
    case Error::TimedOut:
      return "408 Request Timeout";
    case Error::NotPlain:
      return "411 Length Required";
    case Error::TooManyAttempts:
      return "429 Too Many Requests";
    case Error::Busy:
      return "503 Service Unavailable";
    default:
      return "422 Unprocessable Content";
  }
}

void WebReceiver::refuse(Error why, Stage at) {
  const Refusal refusal = claimed_ ? updater_.explain(why) : Refusal(why);
  onLeft();
  parts_.listener->onRefused(refusal, at);
  size_t size = formatRefusal(refusal, text_, kRefusalSize - 1);
  text_[size++] = '\n';
  answer(statusOf(why), "text/plain", asBytes(text_, size));
}

// The page needs nothing but itself, and nobody else shows it.
static const char kOtherFields[] =
    "\r\nConnection: close\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; connect-src 'self'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'\r\n";

void WebReceiver::answer(const char* status, const char* type, Bytes body) {
  beginHead(status, type, body.size);
  endHead(body);
}

void WebReceiver::answerChallenge(Bytes nonce) {
  beginHead("200 OK", "text/plain", nonce.size);
  if (!parts_.product.empty()) {
    append(asBytes("X-SecureOTA-Product: "));
    append(parts_.product);
    append(asBytes("\r\n"));
  }
  endHead(nonce);
}

void WebReceiver::beginHead(const char* status, const char* type, size_t length) {
  // What has begun to go out, "100 Continue" that is, must get to its end.
  const size_t begun = sent_ != 0 && sent_ < headSize_ ? headSize_ - sent_ : 0;
  memmove(head_, head_ + sent_, begun);
  headSize_ = begun;
  char digits[kMaxDecimalDigits];
  const size_t count = formatNumber(static_cast<uint32_t>(length), digits);
  const Bytes kParts[] = {asBytes("HTTP/1.1 "),
                          asBytes(status),
                          asBytes("\r\nContent-Type: "),
                          asBytes(type),
                          asBytes("\r\nContent-Length: "),
                          asBytes(digits, count),
                          asBytes(kOtherFields)};
  for (const Bytes& part : kParts) {
    append(part);
  }
}

void WebReceiver::endHead(Bytes body) {
  append(asBytes("\r\n"));
  body_ = body;
  sent_ = 0;
  state_ = State::Answered;
}

void WebReceiver::append(Bytes text) {
  const size_t left = kHeadSize - headSize_;
  const size_t size = text.size < left ? text.size : left;
  memcpy(head_ + headSize_, text.data, size);
  headSize_ += size;
}

Bytes WebReceiver::output() const {
  return sent_ < headSize_
             ? asBytes(head_ + sent_, headSize_ - sent_)
             : Bytes(body_.data + (sent_ - headSize_), body_.size - (sent_ - headSize_));
}

void WebReceiver::sent(size_t size) {
  sent_ += size;
}

}  // namespace secureota
