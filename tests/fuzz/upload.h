// One device, hosts around it, and what every call to its Receiver promises.
#pragma once

#include "host.h"
#include "secureota/receiver.h"
#include "target.h"

namespace fuzz {

// Bits of a script's first byte, besides those of target.h.
const uint8_t kPasswordAsked = 1;
const uint8_t kMd5Allowed = 2;
const uint8_t kEndsDirectly = 16;  // the good upload at the end comes in direct mode

class Upload {
 public:
  Upload(uint8_t bits, uint8_t flashFails);

  // ---- what hosts do ----

  void datagram(uint8_t from, secureota::Bytes bytes);

  // The last datagram again, from this host.
  void repeat(uint8_t from);

  // `how`, bits: 1 stock form, 2 filesystem, 4 wrong digest, 8 direct.
  void invite(uint8_t from, uint8_t seed, uint8_t how);
  void authenticate(uint8_t from, bool right);
  void status(uint8_t from, uint8_t size);

  void connected();
  void connectionFailed();
  void accepted(uint8_t from);

  // `how` modulo 3: the cookie, another one, half of it.
  void greet(uint8_t how);

  // So many bytes of the container that was invited for; these bytes; the rest.
  void stream(size_t size);
  void take(secureota::Bytes bytes);
  void rest() { stream(container_.size()); }

  // A byte of the container changes.
  void damage(size_t where, uint8_t how);
  void closed();

  // ---- what else happens ----

  void wait(uint32_t milliseconds) { now_ += milliseconds; }
  void tick();
  void restart();
  void confirm() { target_.confirm(); }

  // ---- in the end ----

  // Nobody does anything any more.
  void settle();

  // A good upload is taken, after whatever came before; on trial once it is over.
  void goodUpload();

 private:
  class NoFacts final : public secureota::FactsSource {
   public:
    secureota::DeviceFacts deviceFacts() override { return secureota::DeviceFacts(); }
  };

  secureota::ReceiverParts parts();
  void send(uint8_t from, const std::string& text);
  void listenFor(const secureota::Endpoint& sender);
  void beginTransfer();
  secureota::Bytes behindGreeting(secureota::Bytes bytes);
  void offer();
  bool activatedNow() const { return target_.flash.activated > activatedBefore_; }

  template <typename Call>
  void call(Call device);

  const uint8_t bits_;
  uint32_t now_;  // begins shortly before it wraps around
  Buffer container_;
  size_t sent_;
  bool connected_;  // or about to be
  bool open_;       // the connection is made, and greeted where it was made to us
  bool listening_;
  unsigned passwordChecks_;  // of the last call
  unsigned statusKeys_;
  unsigned passwordTries_;
  unsigned challenges_;  // nonces that were given out
  bool failed_[kHosts];  // who gave a wrong password
  bool calling_;         // a peer has connected to us, and has not said the cookie yet
  std::string cookie_;
  std::string greeting_;  // what it said
  secureota::Endpoint listenedFor_;
  bool knewPassword_;
  bool saidOk_;
  unsigned activatedBefore_;  // when the connection was asked for
  secureota::Actions last_;
  std::string lastDatagram_;
  Buffer transferred_;  // since the connection
  std::string nonce_;
  secureota::Endpoint challenged_;  // whom the nonce was sent to
  secureota::Password password_;
  Counter random_;
  NoFacts facts_;
  Target target_;
  secureota::Receiver receiver_;
};

}  // namespace fuzz
