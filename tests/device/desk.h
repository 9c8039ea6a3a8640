// A device's receiver on a desk: no socket, a clock that the test moves, hosts that say what they
// are told to.
#pragma once

#include <string>

#include "pretend.h"
#include "secureota/receiver.h"

namespace desk {

using pretend::Buffer;
using pretend::containerOf;
using pretend::image;
using secureota::Actions;
using secureota::Bytes;
using secureota::Endpoint;
using secureota::Error;
using secureota::Receiver;

inline std::string text(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

inline Bytes bytesOf(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

inline std::string hex(Bytes bytes) {
  std::string result;
  for (size_t i = 0; i < bytes.size; ++i) {
    char digits[3];
    (void)snprintf(digits, sizeof digits, "%02x", bytes.data[i]);
    result += digits;
  }
  return result;
}

inline std::string digestHex(secureota::DigestAlgorithm algorithm, Bytes bytes) {
  uint8_t hash[secureota::kMaxDigestSize];
  CHECK_ERROR(secureota::digest(algorithm, bytes, hash), Error::None);
  return hex(Bytes(hash, secureota::digestSize(algorithm)));
}

inline std::string stockInvitation(const Buffer& data) {
  return "0 45123 " + std::to_string(data.size()) + " " +
         digestHex(secureota::DigestAlgorithm::Md5, pretend::bytesOf(data)) + "\n";
}

inline std::string redWaxInvitation(const Buffer& data, const std::string& moreKeys = "") {
  return "RedWax/1.00 cmd=0 port=45123 size=" + std::to_string(data.size()) + " md=SHA256 digest=" +
         digestHex(secureota::DigestAlgorithm::Sha256, pretend::bytesOf(data)) + moreKeys + "\n";
}

inline Endpoint endpoint(uint8_t last, uint16_t port) {
  Endpoint result;
  const uint8_t address[] = {192, 0, 2, last};
  memcpy(result.address, address, 4);
  result.addressSize = 4;
  result.port = port;
  return result;
}

static const Endpoint kOwner = endpoint(1, 5000);
static const Endpoint kStranger = endpoint(2, 5000);

class Counter final : public secureota::RandomSource {
 public:
  Counter() : next_(0) {}
  void fill(uint8_t* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) {
      out[i] = next_++;
    }
  }

 private:
  uint8_t next_;
};

// A device, its receiver, and a clock that starts shortly before it wraps around.
class Desk {
 public:
  Desk() : now(UINT32_MAX - 500), tcpPort(3232) { begin(); }

  void begin() {
    secureota::ReceiverParts parts;
    parts.updater = device.parts();
    parts.password = &password;
    parts.random = &random;
    parts.facts = &facts;
    receiver.begin(parts);
  }
  Actions datagram(const std::string& sent, const Endpoint& from = kOwner) {
    const Actions actions = receiver.onDatagram(bytesOf(sent), from, now);
    if (!actions.listen) {
      return actions;
    }
    CHECK(actions.datagram.empty());  // it can't name the port yet
    Actions both = receiver.onListening(tcpPort, now);
    both.closeFirst = actions.closeFirst;
    both.listen = true;
    return both;
  }
  std::string ask(const std::string& sent, const Endpoint& from = kOwner) {
    return text(datagram(sent, from).datagram);
  }
  Actions after(uint32_t milliseconds) {
    now += milliseconds;
    return receiver.tick(now);
  }
  void invite(const Buffer& data) {
    CHECK(ask(stockInvitation(data)) == "OK");
    (void)receiver.onConnected(now);
  }
  Actions send(const Buffer& data) { return receiver.onStream(pretend::bytesOf(data), now); }

  pretend::Device device;
  secureota::Password password;
  Counter random;
  pretend::Facts facts;
  Receiver receiver;
  uint32_t now;
  uint16_t tcpPort;  // what it gets when it wants to be connected to; 0: it does not
};

// What a host that knows the password answers, in the PBKDF2 form.
inline std::string respond(const std::string& password, const std::string& nonce) {
  const std::string cnonce(64, 'c');
  const std::string hash = digestHex(secureota::DigestAlgorithm::Sha256, bytesOf(password));
  uint8_t key[secureota::kSha256Size];
  CHECK_ERROR(secureota::pbkdf2Sha256(bytesOf(hash), bytesOf(nonce + ":" + cnonce), 10000, key),
              Error::None);
  const std::string proof = hex(Bytes(key, sizeof key)) + ":" + nonce + ":" + cnonce;
  return "200 " + cnonce + " " + digestHex(secureota::DigestAlgorithm::Sha256, bytesOf(proof)) +
         "\n";
}

inline std::string nonceOf(const std::string& answer) {
  CHECK(answer.compare(0, 5, "AUTH ") == 0);
  return answer.size() > 5 ? answer.substr(5) : "";
}

class GuardedDesk : public Desk {
 public:
  GuardedDesk() { CHECK_ERROR(password.set("secret"), Error::None); }
};

}  // namespace desk
