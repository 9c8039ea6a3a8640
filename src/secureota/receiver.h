// The upload protocol, from the device's side: datagrams and stream bytes go in, datagrams, stream
// bytes and things to do come out (docs/format.md, sections 3 to 5).
//
// It owns no socket, no clock and no memory, so that it runs in a test as it does on a chip. Time
// is given to every call, in milliseconds of any origin; it may wrap around.
//
// What an unauthenticated peer can make it do is bounded: one invitation is open at a time, a nonce
// serves once and only its addressee, and an answer is never longer than the datagram that asked
// for it. The one exception is `AUTH` with a nonce of 64 digits: 69 bytes, for which the stock form
// of the invitation may have as few as 39. Of what a connection brings, nothing reaches the Updater
// before the greeting, where we did not make the connection ourselves.
#pragma once

#include "auth.h"
#include "backoff.h"
#include "bytes.h"
#include "crypto.h"
#include "endpoint.h"
#include "error.h"
#include "greeting.h"
#include "invitation.h"
#include "random_source.h"
#include "refusal.h"
#include "request.h"
#include "status.h"
#include "update_listener.h"
#include "updater.h"

namespace secureota {

// All belongs to the caller and must outlive the Receiver.
struct ReceiverParts {
  UpdaterParts updater;
  const Password* password;
  RandomSource* random;
  FactsSource* facts;
};

// What the caller owes after a call, in this order. Views are good until the next call.
struct Actions {
  bool closeFirst;      // drop what an earlier invitation left open: the connection, the listener
  bool stopListening;   // let nobody connect any more
  Bytes datagram;       // send this, unless empty, ...
  Endpoint datagramTo;  // ... to here
  bool listen;          // let a peer connect; then onListening, and onAccepted for each
  bool connect;         // open a stream ...
  Endpoint connectTo;   // ... to here; then onConnected or onConnectionFailed
  Bytes stream;         // write this to the stream, unless empty
  bool endStream;       // nothing more will be written: say so to the peer, but go on reading
  bool close;           // drop the connection when everything is written
  bool restart;         // a new image is active: restart into it when the connection is closed

  Actions()
      : closeFirst(false),
        stopListening(false),
        listen(false),
        connect(false),
        endStream(false),
        close(false),
        restart(false) {}
};

// Milliseconds.
const uint32_t kNonceLifetime = 10 * 1000;          // as long as the stock host waits
const uint32_t kNonceHold = 1000;                   // others wait so long for an open invitation
const uint32_t kListenHold = 4 * 1000;              // and for an invited host that can connect
const uint32_t kConnectTimeout = 10 * 1000;         // as long as the stock host listens; so do we
const uint32_t kDefaultIdleTimeout = 10 * 1000;     // without one byte
const uint32_t kTokenTimeout = 30 * 1000;           // until the token is there and accepted
const uint32_t kTransferTimeout = 15U * 60 * 1000;  // for everything: 4 MiB at 5 KB/s
const uint32_t kDrainTimeout = 2000;                // for the peer to take the verdict and leave

class Receiver {
 public:
  Receiver();

  // Forgets everything and starts to listen.
  void begin(const ReceiverParts& parts);

  // Breaks off what is under way.
  void end();

  void setIdleTimeout(uint32_t milliseconds) { idleTimeout_ = milliseconds; }

  // A datagram came in. May take as long as one PBKDF2 (kPasswordRounds) takes.
  Actions onDatagram(Bytes datagram, const Endpoint& from, uint32_t now);

  // Peers can connect to this TCP port; 0: to none.
  Actions onListening(uint16_t port, uint32_t now);

  // A peer has connected: the one stream there is, until `close`.
  Actions onAccepted(const Endpoint& from, uint32_t now);

  // The stream that we asked for stands, or never will.
  Actions onConnected(uint32_t now);
  Actions onConnectionFailed();

  // Bytes came in over the stream. May take as long as the verification of a token, or as reading
  // back the whole image.
  Actions onStream(Bytes bytes, uint32_t now);

  // The peer sends nothing more.
  Actions onStreamClosed();

  // To be called often, also when nothing happened: time-outs.
  Actions tick(uint32_t now);

  // Keeps the device for an update of this kind that comes in some other way: until release()
  // invitations are refused. Busy, where an upload is under way. `updater`, of our parts, is what
  // it may work with.
  SECUREOTA_NODISCARD Error hold(ImageKind kind, UpdaterParts* updater);
  void release() { held_ = false; }

  // Something is under way.
  bool busy() const { return state_ != State::Idle; }

  // The kind of image of the last invitation that was accepted, or that we are held for.
  ImageKind kind() const { return invitation_.kind; }

 private:
  // Idle -> [Authenticating ->] Connecting             -> Receiving -> Draining -> Idle
  //                             Listening <-> Greeting ->
  // In Draining the verdict is out: what still comes is thrown away until the peer closes, because
  // closing with unread bytes would reset the connection and could destroy the verdict on its way.
  enum class State : uint8_t {
    Idle,
    Authenticating,
    Connecting,
    Listening,
    Greeting,
    Receiving,
    Draining
  };

  Actions onStatusQuestion(Bytes datagram, const Endpoint& from);
  Actions onInvitation(Bytes datagram, const Endpoint& from, uint32_t now);
  Actions onAuthentication(Bytes datagram, const Endpoint& from, uint32_t now);
  Error considerInvitation(Bytes datagram, Invitation* out) const;
  Actions challenge(uint32_t now);
  Actions accept(uint32_t now);
  Actions connectToPeer(uint32_t now);
  Actions answer(size_t size);
  Actions answerRefusal(Error why, size_t limit, const Endpoint& to);
  void remember(Bytes datagram);
  bool isRepeated(Bytes datagram, const Endpoint& from) const;
  bool occupied(const Endpoint& from, uint32_t now) const;

  Actions onGreeting(Bytes bytes, uint32_t now);
  Actions takeStream(Bytes bytes, uint32_t now);
  Actions dropCaller();
  Actions giveUpConnecting();
  SECUREOTA_NODISCARD Error takeBytes(Bytes bytes);
  SECUREOTA_NODISCARD Error finish();
  Actions refuseStream(Error why, UpdateListener::Stage at, uint32_t now);
  Actions leave();
  void enter(State state, uint32_t now);

  UpdateListener& listener() { return *parts_.updater.listener; }

  ReceiverParts parts_;
  State state_;
  uint32_t since_;     // when state_ was entered
  uint32_t lastByte_;  // when something last came over the stream
  uint32_t idleTimeout_;
  bool restartAfter_;  // state Draining
  bool held_;          // by another update; the state is Idle

  Endpoint peer_;
  Invitation invitation_;
  PasswordForm form_;
  char nonce_[kLongNonceSize];
  size_t nonceSize_;
  Backoff backoff_;
  Greeting greeting_;
  Status status_;

  // Of the invitation, and of the password's answer to it: what gets our last answer again.
  static const size_t kMaxRequests = 2;
  uint8_t requestDigests_[kMaxRequests][kSha256Size];
  size_t requests_;

  Digest transportDigest_;
  Updater updater_;

  static const size_t kTextSize = kRefusalSize;
  char datagramText_[kTextSize];
  size_t datagramSize_;
  char streamText_[kTextSize];
};

}  // namespace secureota
