#include "receiver.h"

#include "refusal.h"

namespace secureota {
namespace {

Bytes view(const char* text, size_t size) {
  return Bytes(reinterpret_cast<const uint8_t*>(text), size);
}

}  // namespace

Receiver::Receiver()
    : parts_(),
      state_(State::Idle),
      since_(0),
      lastByte_(0),
      idleTimeout_(kDefaultIdleTimeout),
      restartAfter_(false),
      invitation_(),
      form_(PasswordForm::Pbkdf2),
      nonceSize_(0),
      datagramSize_(0) {}

void Receiver::begin(const ReceiverParts& parts) {
  end();
  parts_ = parts;
}

void Receiver::end() {
  updater_.abort();
  state_ = State::Idle;
}

void Receiver::enter(State state, uint32_t now) {
  state_ = state;
  since_ = now;
  lastByte_ = now;
}

// ---- datagrams ----

Actions Receiver::onDatagram(Bytes datagram, const Endpoint& from, uint32_t now) {
  if (!looksLikeRequest(datagram)) {
    return Actions();
  }
  if (isRepeated(datagram, from)) {  // our answer was lost
    return answer(datagramSize_, from);
  }
  return startsWith(datagram, "200 ") ? onAuthentication(datagram, from, now)
                                      : onInvitation(datagram, from, now);
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
  const bool draining = state_ == State::Draining;
  invitation_ = invitation;
  peer_ = from;
  remember(datagram);
  Actions actions = parts_.password->isSet() ? challenge(from, now) : accept(from, now);
  actions.closeFirst = draining;
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

// An upload under way has the device to itself. An invitation that was only asked for its password
// keeps others out for a moment, not for as long as its nonce lives: else a stranger who never
// answers would keep the owner out.
bool Receiver::occupied(const Endpoint& from, uint32_t now) const {
  switch (state_) {
    case State::Idle:
      return false;
    case State::Authenticating:
      return !from.sameAddress(peer_) && now - since_ < kNonceHold;
    case State::Draining:
      return restartAfter_;
    case State::Connecting:
    case State::Receiving:
      break;
  }
  return true;
}

Actions Receiver::challenge(const Endpoint& from, uint32_t now) {
  form_ = parts_.password->formFor(invitation_.asksForMd5Password);
  nonceSize_ = form_ == PasswordForm::Md5 ? kShortNonceSize : kLongNonceSize;
  uint8_t random[kLongNonceSize / 2];
  parts_.random->fill(random, nonceSize_ / 2);
  formatHex(Bytes(random, nonceSize_ / 2), nonce_);
  size_t size = appendText("AUTH ", datagramText_, 0, kTextSize);
  memcpy(datagramText_ + size, nonce_, nonceSize_);
  size += nonceSize_;
  enter(State::Authenticating, now);
  return answer(size, from);
}

Actions Receiver::onAuthentication(Bytes datagram, const Endpoint& from, uint32_t now) {
  const bool expected = state_ == State::Authenticating && from == peer_;
  Error error = Error::NotAuthorized;
  if (expected) {
    listener().breathe();
    error = parts_.password->check(datagram, form_, view(nonce_, nonceSize_));
    listener().breathe();
    state_ = State::Idle;  // the nonce has served, whatever came of it
  }
  if (error != Error::None) {
    if (expected) {  // else it is noise, which a sketch need not hear of
      listener().onRefused(error, UpdateListener::Stage::Authentication);
    }
    return answerRefusal(error, datagram.size, from);
  }
  remember(datagram);
  return accept(from, now);
}

Actions Receiver::accept(const Endpoint& from, uint32_t now) {
  Error error = updater_.begin(parts_.updater, invitation_.kind, invitation_.size);
  if (error == Error::None) {
    error = transportDigest_.begin(invitation_.digestAlgorithm);
  }
  if (error != Error::None) {
    updater_.abort();
    state_ = State::Idle;
    listener().onRefused(error, UpdateListener::Stage::Invitation);
    return answerRefusal(error, kTextSize, from);
  }
  enter(State::Connecting, now);
  Actions actions = answer(appendText("OK", datagramText_, 0, kTextSize), from);
  actions.connect = true;
  actions.connectTo = from;
  actions.connectTo.port = invitation_.port;
  return actions;
}

Actions Receiver::answer(size_t size, const Endpoint& to) {
  datagramSize_ = size;
  Actions actions;
  actions.datagram = view(datagramText_, size);
  actions.datagramTo = to;
  return actions;
}

// Does not touch the answer that a repeated request gets.
Actions Receiver::answerRefusal(Error why, size_t limit, const Endpoint& to) {
  const size_t capacity = limit < kTextSize ? limit : kTextSize;
  Actions actions;
  actions.datagram = view(streamText_, formatRefusal(why, streamText_, capacity));
  actions.datagramTo = to;
  return actions;
}

void Receiver::remember(Bytes datagram) {
  if (digest(DigestAlgorithm::Sha256, datagram, requestDigest_) != Error::None) {
    memset(requestDigest_, 0, sizeof requestDigest_);  // then a repetition is not recognised
  }
}

bool Receiver::isRepeated(Bytes datagram, const Endpoint& from) const {
  const bool open =
      state_ == State::Authenticating || state_ == State::Connecting || state_ == State::Receiving;
  uint8_t hash[kSha256Size];
  return open && from == peer_ && digest(DigestAlgorithm::Sha256, datagram, hash) == Error::None &&
         memcmp(hash, requestDigest_, kSha256Size) == 0;
}

// ---- the stream ----

Actions Receiver::onConnected(uint32_t now) {
  if (state_ == State::Connecting) {
    enter(State::Receiving, now);
  }
  return Actions();
}

Actions Receiver::onConnectionFailed() {
  if (state_ == State::Connecting) {
    updater_.abort();
    state_ = State::Idle;
    listener().onRefused(Error::ConnectionLost, UpdateListener::Stage::Connection);
  }
  return Actions();
}

Actions Receiver::onStream(Bytes bytes, uint32_t now) {
  if (state_ != State::Receiving || bytes.empty()) {
    return Actions();
  }
  lastByte_ = now;
  Error error = takeBytes(bytes);
  if (error != Error::None) {
    return refuseStream(error, UpdateListener::Stage::Transfer, now);
  }
  Actions actions;
  size_t size = formatNumber(static_cast<uint32_t>(bytes.size), streamText_);
  if (updater_.taken() == invitation_.size) {
    error = finish();
    if (error != Error::None) {
      return refuseStream(error, UpdateListener::Stage::Finish, now);
    }
    size = appendText("OK", streamText_, size, kTextSize);
    actions.endStream = true;
    restartAfter_ = !updater_.alreadyRunning();
    enter(State::Draining, now);
  }
  actions.stream = view(streamText_, size);
  return actions;
}

Error Receiver::takeBytes(Bytes bytes) {
  SECUREOTA_TRY(updater_.write(bytes));
  return transportDigest_.update(bytes);
}

// The transport's digest first: where it differs, "the image is not the one that was signed" would
// be true and send the user looking in the wrong place.
Error Receiver::finish() {
  uint8_t taken[kMaxDigestSize];
  SECUREOTA_TRY(transportDigest_.finish(taken));
  if (memcmp(taken, invitation_.digest, digestSize(invitation_.digestAlgorithm)) != 0) {
    return Error::TransportDigestMismatch;
  }
  return updater_.finish();
}

Actions Receiver::refuseStream(Error why, UpdateListener::Stage at, uint32_t now) {
  updater_.abort();
  restartAfter_ = false;
  enter(State::Draining, now);
  listener().onRefused(why, at);
  size_t size = formatRefusal(why, streamText_, kTextSize - 1);
  streamText_[size++] = '\n';
  Actions actions;
  actions.stream = view(streamText_, size);
  actions.endStream = true;
  return actions;
}

Actions Receiver::onStreamClosed() {
  if (state_ == State::Draining) {
    return leave();
  }
  if (state_ != State::Receiving) {
    return Actions();
  }
  // The peer may have closed its half only, and still listen.
  Actions actions = refuseStream(Error::ConnectionLost, UpdateListener::Stage::Transfer, since_);
  actions.close = true;
  state_ = State::Idle;
  return actions;
}

Actions Receiver::leave() {
  Actions actions;
  actions.close = true;
  actions.restart = restartAfter_;
  restartAfter_ = false;
  state_ = State::Idle;
  return actions;
}

// ---- time ----

Actions Receiver::tick(uint32_t now) {
  const uint32_t elapsed = now - since_;
  switch (state_) {
    case State::Idle:
      break;
    case State::Authenticating:
      if (elapsed >= kNonceLifetime) {
        state_ = State::Idle;
      }
      break;
    case State::Connecting:
      if (elapsed >= kConnectTimeout) {
        Actions actions = onConnectionFailed();
        actions.close = true;
        return actions;
      }
      break;
    case State::Receiving:
      if (now - lastByte_ >= idleTimeout_ || elapsed >= kTransferTimeout ||
          (elapsed >= kTokenTimeout && !updater_.accepted())) {
        return refuseStream(Error::TimedOut, UpdateListener::Stage::Transfer, now);
      }
      break;
    case State::Draining:
      if (elapsed >= kDrainTimeout) {
        return leave();
      }
      break;
  }
  return Actions();
}

}  // namespace secureota
