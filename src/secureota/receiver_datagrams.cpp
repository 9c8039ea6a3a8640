// The Receiver's datagrams: invitations, passwords, and what is answered.
#include "receiver.h"
#include "refusal.h"

namespace secureota {

Actions Receiver::onDatagram(Bytes datagram, const Endpoint& from, uint32_t now) {
  if (!looksLikeRequest(datagram)) {
    return Actions();
  }
  if (isStatusQuestion(datagram)) {  // at any time, and nothing else changes
    return onStatusQuestion(datagram, from);
  }
  if (isRepeated(datagram, from)) {  // our answer was lost
    return answer(datagramSize_);
  }
  return startsWith(datagram, "200 ") ? onAuthentication(datagram, from, now)
                                      : onInvitation(datagram, from, now);
}

Actions Receiver::onStatusQuestion(Bytes datagram, const Endpoint& from) {
  Actions actions;
  actions.datagramTo = from;
  listener().breathe();
  const Error error = status_.answer(datagram, parts_.facts->deviceFacts(), *parts_.password,
                                     parts_.random, &actions.datagram);
  listener().breathe();
  return error == Error::None ? actions : answerRefusal(error, datagram.size, from);
}

Actions Receiver::onInvitation(Bytes datagram, const Endpoint& from, uint32_t now) {
  if (occupied(from, now)) {
    return answerRefusal(Error::Busy, datagram.size, from);
  }
  Invitation invitation;
  const Error error = considerInvitation(datagram, &invitation);
  if (error != Error::None) {
    listener().onRefused(error, UpdateListener::Stage::Invitation);
    return answerRefusal(error, datagram.size, from);
  }
  if (parts_.password->isSet() && backoff_.holds(from)) {
    return answerRefusal(Error::TooManyAttempts, datagram.size, from);
  }
  const bool leftOpen =
      state_ == State::Draining || state_ == State::Listening || state_ == State::Greeting;
  updater_.abort();
  invitation_ = invitation;
  peer_ = from;
  requests_ = 0;
  remember(datagram);
  Actions actions = parts_.password->isSet() ? challenge(now) : accept(now);
  actions.closeFirst = leftOpen;
  return actions;
}

// Everything that can be known before a byte was sent. Trust is none of it.
Error Receiver::considerInvitation(Bytes datagram, Invitation* out) const {
  Invitation invitation;
  SECUREOTA_TRY(parseInvitation(datagram, &invitation));
  const UpdaterParts& updater = parts_.updater;
  if (updater.anchors->count() == 0) {
    return Error::NoTrustAnchor;
  }
  const size_t capacity = updater.sink->capacity(invitation.kind);
  if (capacity == 0) {
    return Error::WrongImageKind;
  }
  if (invitation.size > uint64_t(capacity) + kManifestSize + kMaxHeaderSize + kMaxTokenSize) {
    return Error::ImageTooLarge;
  }
  *out = invitation;
  return Error::None;
}

// An upload under way has the device to itself. An invitation that was only asked for its password,
// or whose host does not connect, keeps others out for a moment, not for as long as it stands: else
// a stranger who does no more than invite would keep the owner out.
bool Receiver::occupied(const Endpoint& from, uint32_t now) const {
  switch (state_) {
    case State::Idle:
      return held_;
    case State::Authenticating:
      return !from.sameAddress(peer_) && now - since_ < kNonceHold;
    case State::Listening:  // its host may have lost our answer, or be unable to connect
      return !from.sameAddress(peer_) && now - since_ < kListenHold;
    case State::Greeting:
      return !from.sameAddress(peer_);
    case State::Draining:
      return restartAfter_;
    case State::Connecting:
    case State::Receiving:
      break;
  }
  return true;
}

Actions Receiver::challenge(uint32_t now) {
  form_ = parts_.password->formFor(invitation_.asksForMd5Password);
  nonceSize_ = form_ == PasswordForm::Md5 ? kShortNonceSize : kLongNonceSize;
  uint8_t random[kLongNonceSize / 2];
  parts_.random->fill(random, nonceSize_ / 2);
  formatHex(Bytes(random, nonceSize_ / 2), nonce_);
  size_t size = appendText("AUTH ", datagramText_, 0, kTextSize);
  memcpy(datagramText_ + size, nonce_, nonceSize_);
  size += nonceSize_;
  enter(State::Authenticating, now);
  return answer(size);
}

// Anybody can send a datagram in the owner's name. What can't be an answer is no try: it costs us
// nothing and teaches nobody anything, so that the owner's nonce outlives it. What can be one is a
// try, whoever sent it: else a nonce would be good for any number of guesses, and of PBKDF2s.
Actions Receiver::onAuthentication(Bytes datagram, const Endpoint& from, uint32_t now) {
  if (state_ != State::Authenticating || !(from == peer_) ||
      !isPasswordAnswer(datagram, nonceSize_)) {
    return answerRefusal(Error::NotAuthorized, datagram.size, from);  // no sketch need hear of it
  }
  listener().breathe();
  const Error error = parts_.password->check(datagram, form_, asBytes(nonce_, nonceSize_));
  listener().breathe();
  state_ = State::Idle;  // the nonce has served, whatever came of it
  if (error == Error::NotAuthorized) {
    backoff_.failed(from, now);
  }
  if (error != Error::None) {
    listener().onRefused(error, UpdateListener::Stage::Authentication);
    return answerRefusal(error, datagram.size, from);
  }
  backoff_.succeeded(from);
  remember(datagram);
  return accept(now);
}

Actions Receiver::accept(uint32_t now) {
  Error error = updater_.begin(parts_.updater, invitation_.kind, invitation_.size);
  if (error == Error::None) {
    error = transportDigest_.begin(invitation_.digestAlgorithm);
  }
  if (error != Error::None) {
    updater_.abort();
    state_ = State::Idle;
    listener().onRefused(error, UpdateListener::Stage::Invitation);
    return answerRefusal(error, kTextSize, peer_);
  }
  if (!invitation_.direct) {
    return connectToPeer(now);
  }
  enter(State::Listening, now);
  Actions actions;  // the answer must name the port, which onListening brings
  actions.listen = true;
  return actions;
}

Actions Receiver::connectToPeer(uint32_t now) {
  enter(State::Connecting, now);
  Actions actions = answer(appendText("OK", datagramText_, 0, kTextSize));
  actions.connect = true;
  actions.connectTo = peer_;
  actions.connectTo.port = invitation_.port;
  return actions;
}

Actions Receiver::onListening(uint16_t port, uint32_t now) {
  if (state_ != State::Listening) {
    return Actions();
  }
  if (port == 0) {  // as a device that knows no direct mode does
    return connectToPeer(now);
  }
  greeting_.renew(parts_.random);
  size_t size = appendText("OK port=", datagramText_, 0, kTextSize);
  size += formatNumber(port, datagramText_ + size);
  size = appendText(" cookie=", datagramText_, size, kTextSize);
  memcpy(datagramText_ + size, greeting_.cookie().data, kCookieSize);
  return answer(size + kCookieSize);
}

Actions Receiver::answer(size_t size) {
  datagramSize_ = size;
  Actions actions;
  actions.datagram = asBytes(datagramText_, size);
  actions.datagramTo = peer_;
  return actions;
}

// Does not touch the answer that a repeated request gets.
Actions Receiver::answerRefusal(Error why, size_t limit, const Endpoint& to) {
  const size_t capacity = limit < kTextSize ? limit : kTextSize;
  Actions actions;
  actions.datagram = asBytes(streamText_, formatRefusal(why, streamText_, capacity));
  actions.datagramTo = to;
  return actions;
}

void Receiver::remember(Bytes datagram) {
  if (requests_ < kMaxRequests &&
      digest(DigestAlgorithm::Sha256, datagram, requestDigests_[requests_]) == Error::None) {
    ++requests_;  // else a repetition is not recognised
  }
}

// Its copy may have been on its way for longer than the answer: an invitation that comes again
// after the password is no new one.
bool Receiver::isRepeated(Bytes datagram, const Endpoint& from) const {
  uint8_t hash[kSha256Size];
  if (state_ == State::Idle || state_ == State::Draining || !(from == peer_) ||
      digest(DigestAlgorithm::Sha256, datagram, hash) != Error::None) {
    return false;
  }
  for (size_t i = 0; i < requests_; ++i) {
    if (memcmp(hash, requestDigests_[i], kSha256Size) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace secureota
