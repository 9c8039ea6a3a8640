// What holds the Receiver together: beginning, end, and time.
#include "receiver.h"

namespace secureota {

Receiver::Receiver()
    : parts_(),
      state_(State::Idle),
      since_(0),
      lastByte_(0),
      idleTimeout_(kDefaultIdleTimeout),
      restartAfter_(false),
      held_(false),
      invitation_(),
      form_(PasswordForm::Pbkdf2),
      nonceSize_(0),
      requests_(0),
      datagramSize_(0) {}

void Receiver::begin(const ReceiverParts& parts) {
  end();
  backoff_ = Backoff();
  parts_ = parts;
}

void Receiver::end() {
  updater_.abort();
  state_ = State::Idle;
}

// Whoever was only asked for the password has not shown yet that it is anybody.
Error Receiver::hold(ImageKind kind, UpdaterParts* updater) {
  if (held_ || (state_ != State::Idle && state_ != State::Authenticating)) {
    return Error::Busy;
  }
  state_ = State::Idle;
  held_ = true;
  invitation_.kind = kind;
  *updater = parts_.updater;
  return Error::None;
}

void Receiver::enter(State state, uint32_t now) {
  state_ = state;
  since_ = now;
  lastByte_ = now;
}

Actions Receiver::tick(uint32_t now) {
  backoff_.tick(now);
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
    case State::Listening:
      if (elapsed >= kConnectTimeout) {
        return giveUpConnecting();
      }
      break;
    case State::Greeting:
      if (greeting_.isLate(now)) {
        return dropCaller();
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
