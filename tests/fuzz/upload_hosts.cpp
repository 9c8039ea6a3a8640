// What hosts ask for in an Upload, and the good one at its end.
#include "property.h"
#include "upload.h"

namespace fuzz {

using secureota::DigestAlgorithm;

void Upload::repeat(uint8_t from) {
  const std::string again = lastDatagram_;
  send(from, again);
}

void Upload::invite(uint8_t from, uint8_t seed, uint8_t how) {
  container_ = containerOf(seed % kSeedCount);
  const bool stock = (how & 1) != 0;
  const std::string bytes(container_.begin(), container_.end());
  std::string sum = hexDigest(stock ? DigestAlgorithm::Md5 : DigestAlgorithm::Sha256, bytes);
  if ((how & 4) != 0) {
    sum[0] = sum[0] == '0' ? '1' : '0';
  }
  const std::string kind = (how & 2) != 0 ? "100" : "0";
  const std::string size = std::to_string(container_.size());
  send(from, stock ? kind + " 7777 " + size + " " + sum + "\n"
                   : "RedWax/1.00 cmd=" + kind + " port=7777 size=" + size +
                         " md=SHA256 digest=" + sum + ((how & 8) != 0 ? " direct=1\n" : "\n"));
}

void Upload::status(uint8_t from, uint8_t size) {
  std::string question = "RedWax/1.00 cmd=300 nonce=" + std::string(32, 'a') + " pad=";
  question.resize(256 + size, 'x');
  const bool busy = receiver_.busy();
  const std::string before = lastDatagram_;
  send(from, question + "\n");
  lastDatagram_ = before;
  PROPERTY(receiver_.busy() == busy, "a question changes nothing");
  PROPERTY(!last_.datagram.empty() && !last_.connect && !last_.listen && !last_.closeFirst &&
               !last_.stopListening && !last_.close,
           "and is answered");
  statusKeys_ += passwordChecks_;
  PROPERTY(statusKeys_ <= 2, "the key is derived once; twice, where memory was short");
}

void Upload::authenticate(uint8_t from, bool right) {
  if (nonce_.empty()) {
    return;
  }
  knewPassword_ = knewPassword_ || right;
  send(from, answerTo(nonce_, right) + "\n");
}

// A good container, by somebody who knows the password.
void Upload::offer() {
  const bool direct = (bits_ & kEndsDirectly) != 0;
  now_ |= 1;  // listening succeeds
  invite(1, 1, direct ? 8 : 0);
  if ((bits_ & kPasswordAsked) != 0) {
    authenticate(1, true);
  }
  PROPERTY(direct ? listening_ : last_.connect,
           "a good invitation is accepted after whatever came before");
  if (direct) {
    accepted(1);
    greet(0);
    PROPERTY(open_, "the owner's cookie is taken");
  } else {
    connected();
  }
  rest();
}

void Upload::goodUpload() {
  target_.renew();
  receiver_.begin(parts());
  knewPassword_ = false;
  if (target_.onTrial()) {
    offer();
    PROPERTY(!saidOk_ && !target_.flash.bootable, "on trial even a good upload has to wait");
    closed();
    settle();
    confirm();
    PROPERTY(!target_.onTrial(), "a good image can be confirmed");
  }
  offer();
  PROPERTY(saidOk_ && target_.flash.bootable, "a good upload is taken after whatever came before");
  closed();
  PROPERTY(last_.close && last_.restart && !receiver_.busy(), "and started");
}

}  // namespace fuzz
