#include "web_receiver.h"

#include "receiver.h"

namespace secureota {

typedef UpdateListener::Stage Stage;

WebReceiver::WebReceiver()
    : parts_(),
      state_(State::Answered),
      since_(0),
      lastByte_(0),
      idleTimeout_(kDefaultIdleTimeout),
      silent_(true),
      claimed_(false),
      updated_(false),
      nonceOpen_(false),
      nonceSince_(0),
      headSize_(0),
      sent_(0) {}

void WebReceiver::begin(const WebParts& parts) {
  onLeft();
  parts_ = parts;
  state_ = State::Answered;
}

void WebReceiver::onLeft() {
  updater_.abort();
  if (claimed_) {
    claimed_ = false;
    parts_.door->release();
  }
}

// ---- a visit ----

void WebReceiver::onVisitor(const Endpoint& from, uint32_t now) {
  onLeft();
  state_ = State::Head;
  from_ = from;
  since_ = now;
  lastByte_ = now;
  silent_ = true;
  updated_ = false;
  headSize_ = 0;
  body_ = Bytes();
  sent_ = 0;
  request_.reset();
}

void WebReceiver::onBytes(Bytes bytes, uint32_t now) {
  if (bytes.empty() || state_ == State::Answered) {
    return;
  }
  silent_ = false;
  lastByte_ = now;
  if (state_ == State::Head) {
    size_t taken = 0;
    const Error error = request_.feed(bytes, &taken);
    if (error != Error::None) {
      return refuse(error, Stage::Connection);
    }
    if (!request_.complete()) {
      return;
    }
    bytes = Bytes(bytes.data + taken, bytes.size - taken);
    onHead(now);
  }
  if (state_ == State::Body) {
    takeBody(bytes);
  }
}

void WebReceiver::onClosed() {
  if (state_ == State::Body) {
    refuse(Error::ConnectionLost, Stage::Transfer);
  }
  state_ = State::Answered;
}

void WebReceiver::tick(uint32_t now) {
  backoff_.tick(now);
  nonceOpen_ = nonceOpen_ && now - nonceSince_ < kNonceLifetime;
  const uint32_t elapsed = now - since_;
  if (state_ == State::Head && elapsed >= kWebHeadTimeout) {
    state_ = State::Answered;  // who asks so slowly may ask again
  }
  if (state_ == State::Body && (now - lastByte_ >= idleTimeout_ || elapsed >= kTransferTimeout ||
                                (elapsed >= kTokenTimeout && !updater_.accepted()))) {
    refuse(Error::TimedOut, Stage::Transfer);
  }
}

// ---- the request ----

void WebReceiver::onHead(uint32_t now) {
  const HttpRequest::Method method = request_.method();
  const bool isUpload = request_.path() == asBytes("/update");
  const bool isChallenge = request_.path() == asBytes("/challenge");
  if (!isUpload && !isChallenge && request_.path() != asBytes("/")) {
    return answer("404 Not Found", "text/plain", asBytes("There is nothing here.\n"));
  }
  const bool wanted = method == (isUpload ? HttpRequest::Method::Post : HttpRequest::Method::Get);
  if (!wanted) {
    return answer("405 Method Not Allowed", "text/plain", asBytes("Not like this.\n"));
  }
  if (isUpload) {
    return beginUpload(now);
  }
  if (isChallenge) {
    return challenge(now);
  }
  answer("200 OK", "text/html; charset=utf-8", parts_.page);
}

// As with invitations: who asked a moment ago has a moment to answer.
void WebReceiver::challenge(uint32_t now) {
  if (!parts_.password->isSet()) {
    return answerChallenge(Bytes());
  }
  if (backoff_.holds(from_)) {
    return refuse(Error::TooManyAttempts, Stage::Authentication);
  }
  if (nonceOpen_ && !nonceFor_.sameAddress(from_) && now - nonceSince_ < kNonceHold) {
    return refuse(Error::Busy, Stage::Authentication);
  }
  uint8_t random[kLongNonceSize / 2];
  parts_.random->fill(random, sizeof random);
  formatHex(Bytes(random, sizeof random), nonce_);
  nonceOpen_ = true;
  nonceSince_ = now;
  nonceFor_ = from_;
  answerChallenge(asBytes(nonce_, kLongNonceSize));
}

static bool isAddress(Bytes host) {
  unsigned dots = 0;
  for (size_t i = 0; i < host.size; ++i) {
    if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9')) {
      return false;
    }
    dots += host.data[i] == '.' ? 1 : 0;
  }
  return dots == 3;
}

// Everything that can be known from the head.
Error WebReceiver::considerUpload() const {
  Bytes rest = request_.host();
  const Bytes host = cut(&rest, ':');
  rest = host;
  const Bytes label = cut(&rest, '.');
  if (!isAddress(host) && !isWord(host, "localhost") && !isWord(label, parts_.hostname)) {
    return Error::WrongOrigin;
  }
  const Bytes origin = request_.origin();
  if (!origin.empty()) {
    const char kScheme[] = "http://";
    const size_t scheme = sizeof kScheme - 1;
    if (!startsWith(origin, kScheme) ||
        Bytes(origin.data + scheme, origin.size - scheme) != request_.host()) {
      return Error::WrongOrigin;
    }
  }
  if (request_.kind() != asBytes("0") && request_.kind() != asBytes("100")) {
    return request_.kind().empty() ? Error::WrongOrigin : Error::WrongImageKind;
  }
  if (request_.isCoded() || !request_.hasLength() ||
      request_.contentType() != asBytes("application/octet-stream")) {
    return Error::NotPlain;
  }
  return Error::None;
}

Error WebReceiver::checkPassword(uint32_t now) {
  if (!parts_.password->isSet()) {
    return Error::None;
  }
  if (backoff_.holds(from_)) {
    return Error::TooManyAttempts;
  }
  // The form of a datagram, which ends with its line.
  char text[kLongNonceSize * 2 + 8];
  const Bytes given = request_.password();
  if (given.size >= sizeof text || !nonceOpen_ || !nonceFor_.sameAddress(from_)) {
    return Error::NotAuthorized;
  }
  memcpy(text, given.data, given.size);
  text[given.size] = '\n';
  const Bytes answered = asBytes(text, given.size + 1);
  if (!isPasswordAnswer(answered, kLongNonceSize)) {
    return Error::NotAuthorized;
  }
  nonceOpen_ = false;  // it has served, whatever comes of it
  parts_.listener->breathe();
  const Error error =
      parts_.password->check(answered, PasswordForm::Pbkdf2, asBytes(nonce_, kLongNonceSize));
  parts_.listener->breathe();
  if (error == Error::NotAuthorized) {
    backoff_.failed(from_, now);
  } else if (error == Error::None) {
    backoff_.succeeded(from_);
  }
  return error;
}

// ---- the upload ----

void WebReceiver::beginUpload(uint32_t now) {
  Error error = considerUpload();
  if (error != Error::None) {
    return refuse(error, Stage::Invitation);
  }
  error = checkPassword(now);
  if (error != Error::None) {
    return refuse(error, Stage::Authentication);
  }
  const bool isApplication = request_.kind() == asBytes("0");
  const ImageKind kind = isApplication ? ImageKind::Application : ImageKind::Filesystem;
  UpdaterParts updater;
  error = parts_.door->claim(kind, &updater);
  claimed_ = error == Error::None;
  if (error == Error::None) {
    error = updater_.begin(updater, kind, request_.length());
  }
  if (error != Error::None) {
    return refuse(error, Stage::Invitation);
  }
  state_ = State::Body;
  since_ = now;
  if (request_.expectsContinue()) {
    append(asBytes("HTTP/1.1 100 Continue\r\n\r\n"));
  }
}

void WebReceiver::takeBody(Bytes bytes) {
  const uint32_t left = updater_.totalSize() - updater_.taken();
  // What lies behind the body belongs to no upload.
  const Bytes piece(bytes.data, bytes.size < left ? bytes.size : left);
  const Error error = updater_.write(piece);
  if (error != Error::None) {
    return refuse(error, Stage::Transfer);
  }
  if (updater_.taken() == updater_.totalSize()) {
    finishUpload();
  }
}

void WebReceiver::finishUpload() {
  const Error error = updater_.finish();
  if (error != Error::None) {
    return refuse(error, Stage::Finish);
  }
  updated_ = !updater_.alreadyRunning();
  answer("200 OK", "text/plain", asBytes("OK\n"));
}

}  // namespace secureota
