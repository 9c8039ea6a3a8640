// The Receiver's stream: who may send, what is taken, and the verdict.
#include "receiver.h"
#include "refusal.h"

namespace secureota {

// ---- how it comes about ----

Actions Receiver::onAccepted(const Endpoint& from, uint32_t now) {
  if (state_ != State::Listening || !from.sameAddress(peer_)) {
    Actions actions;  // and the listener stays
    actions.close = true;
    return actions;
  }
  // since_ stays where it is: who connects in vain must not make us listen for longer.
  if (now - since_ >= kConnectTimeout) {
    return giveUpConnecting();
  }
  state_ = State::Greeting;
  greeting_.begin(now);
  return Actions();
}

Actions Receiver::onGreeting(Bytes bytes, uint32_t now) {
  switch (greeting_.take(&bytes)) {
    case Greeting::Verdict::Incomplete:
      return Actions();
    case Greeting::Verdict::Wrong:
      return dropCaller();
    case Greeting::Verdict::Right:
      break;
  }
  enter(State::Receiving, now);
  Actions actions = takeStream(bytes, now);  // what came behind the greeting
  actions.stopListening = true;
  return actions;
}

Actions Receiver::dropCaller() {
  state_ = State::Listening;
  Actions actions;
  actions.close = true;
  return actions;
}

Actions Receiver::onConnected(uint32_t now) {
  if (state_ == State::Connecting) {
    enter(State::Receiving, now);
  }
  return Actions();
}

Actions Receiver::onConnectionFailed() {
  return state_ == State::Connecting ? giveUpConnecting() : Actions();
}

Actions Receiver::giveUpConnecting() {
  updater_.abort();
  state_ = State::Idle;
  listener().onRefused(Error::ConnectionLost, UpdateListener::Stage::Connection);
  Actions actions;
  actions.stopListening = true;
  actions.close = true;
  return actions;
}

// ---- what it brings ----

Actions Receiver::onStream(Bytes bytes, uint32_t now) {
  switch (bytes.empty() ? State::Idle : state_) {
    case State::Greeting:
      return onGreeting(bytes, now);
    case State::Receiving:
      return takeStream(bytes, now);
    default:
      return Actions();
  }
}

Actions Receiver::takeStream(Bytes bytes, uint32_t now) {
  if (bytes.empty()) {
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
  actions.stream = asBytes(streamText_, size);
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
  const Refusal refusal = updater_.explain(why);
  listener().onRefused(refusal, at);
  size_t size = formatRefusal(refusal, streamText_, kTextSize - 1);
  streamText_[size++] = '\n';
  Actions actions;
  actions.stream = asBytes(streamText_, size);
  actions.endStream = true;
  return actions;
}

Actions Receiver::onStreamClosed() {
  if (state_ == State::Draining) {
    return leave();
  }
  if (state_ == State::Greeting) {
    return dropCaller();
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

}  // namespace secureota
