#include "upload.h"

#include "meter.h"

namespace fuzz {

using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Endpoint;
using secureota::Error;

const size_t kStockInvitation = 39;  // bytes of the shortest: "0 1 1 " and an MD5
const size_t kLongChallenge = 5 + secureota::kLongNonceSize;

Upload::Upload(uint8_t bits, uint8_t flashFails)
    : bits_(bits),
      now_(0xffffff00u),
      sent_(0),
      connected_(false),
      open_(false),
      listening_(false),
      passwordChecks_(0),
      statusKeys_(0),
      passwordTries_(0),
      challenges_(0),
      failed_(),
      calling_(false),
      knewPassword_(false),
      saidOk_(false),
      activatedBefore_(0),
      target_(bits, flashFails) {
  PROPERTY((bits & kPasswordAsked) == 0 || password_.set(kPassword) == Error::None,
           "a password can be set");
  password_.allowMd5((bits & kMd5Allowed) != 0);
  receiver_.begin(parts());
  container_ = containerOf(0);
}

secureota::ReceiverParts Upload::parts() {
  secureota::ReceiverParts parts;
  parts.updater = target_.parts();
  parts.password = &password_;
  parts.random = &random_;
  parts.facts = &facts_;
  return parts;
}

// Calls the device, and sees what every call promises.
template <typename Call>
void Upload::call(Call device) {
  const bool wasOnTrial = target_.onTrial();
  const unsigned opened = target_.flash.opened;
  start(anchors());
  {
    const Resume core;
    last_ = device();
  }
  const Meter& used = stop();
  PROPERTY(used.allocations == 0, "the core allocates nothing");
  PROPERTY(used.passwordChecks <= 1, "a call costs one password check at most");
  passwordChecks_ = used.passwordChecks;
  PROPERTY(!wasOnTrial || target_.flash.opened == opened, "nothing is written while on trial");
  PROPERTY(!last_.restart || (activatedNow() && target_.flash.bootable && last_.close),
           "a restart finds a new image, and a closed connection");
  PROPERTY(!target_.flash.bootable || !target_.flash.isOpen, "what boots is closed");
  connected_ = connected_ && !last_.close && !last_.closeFirst;
  calling_ = calling_ && !last_.close && !last_.closeFirst;
  listening_ = listening_ && !last_.closeFirst && !last_.stopListening;
}

// ---- datagrams ----

void Upload::send(uint8_t from, const std::string& text) {
  datagram(from, bytesOf(text));
}

void Upload::datagram(uint8_t from, Bytes bytes) {
  lastDatagram_ = textOf(bytes);
  const Endpoint sender = endpoint(from);
  const bool wasBusy = receiver_.busy();
  call([&] { return receiver_.onDatagram(bytes, sender, now_); });
  const bool closedFirst = last_.closeFirst;
  const unsigned passwordChecks = passwordChecks_;
  if (last_.listen) {
    PROPERTY((bits_ & kPasswordAsked) == 0 || knewPassword_,
             "who does not know the password can't connect");
    PROPERTY(last_.datagram.empty() && !last_.connect, "the port is told before it is known");
    listenFor(sender);
  }
  const Bytes answer = last_.datagram;
  const bool challenge = answer.size > 5 && memcmp(answer.data, "AUTH ", 5) == 0;
  PROPERTY(answer.size <= bytes.size ||
               (challenge && answer.size == kLongChallenge && bytes.size >= kStockInvitation),
           "no answer is longer than its question");
  PROPERTY(answer.empty() || last_.datagramTo == sender, "an answer goes to who asked");
  PROPERTY(last_.stream.empty() && !last_.restart, "a datagram moves no stream");
  const auto begins = [&](const char* with) {
    return answer.size >= strlen(with) && memcmp(answer.data, with, strlen(with)) == 0;
  };
  if (begins("NotA")) {
    failed_[hostOf(sender)] = true;
  }
  PROPERTY(!begins("TooMany") || failed_[hostOf(sender)], "only who failed has to wait");
  if (!secureota::isStatusQuestion(bytes)) {
    passwordTries_ += passwordChecks;
  }
  if (challenge && (!(challenged_ == sender) ||
                    nonce_ != std::string(answer.data + 5, answer.data + answer.size))) {
    ++challenges_;
  }
  PROPERTY(passwordTries_ <= challenges_, "a nonce costs one password check at most");
  if (challenge) {
    challenged_ = sender;
    nonce_.assign(reinterpret_cast<const char*>(answer.data) + 5, answer.size - 5);
  }
  if (last_.connect) {
    PROPERTY(last_.connectTo.sameAddress(sender), "a connection goes to who asked");
    PROPERTY((bits_ & kPasswordAsked) == 0 || knewPassword_,
             "who does not know the password is not visited");
    PROPERTY((bits_ & kPasswordAsked) == 0 || sender == challenged_,
             "a nonce serves its addressee");
    PROPERTY(!wasBusy || (bits_ & kPasswordAsked) != 0 || closedFirst, "one upload at a time");
    beginTransfer();
    open_ = false;
  }
}

// ---- connections, and what comes over them ----

void Upload::connected() {
  open_ = open_ || connected_;
  call([&] { return receiver_.onConnected(now_); });
}

void Upload::connectionFailed() {
  call([&] { return receiver_.onConnectionFailed(); });
}

void Upload::closed() {
  call([&] { return receiver_.onStreamClosed(); });
}

void Upload::damage(size_t where, uint8_t how) {
  container_[where % container_.size()] ^= how;
}

// A connection stands, or is about to.
void Upload::beginTransfer() {
  sent_ = 0;
  transferred_.clear();
  target_.forget();
  saidOk_ = false;
  activatedBefore_ = target_.flash.activated;
  connected_ = true;
}

// What a port does that is told to listen. Now and then it can't.
void Upload::listenFor(const Endpoint& sender) {
  const uint16_t port = static_cast<uint16_t>(now_ % 16 == 0 ? 0 : 3232);
  call([&] { return receiver_.onListening(port, now_); });
  if (port == 0) {
    PROPERTY(last_.connect, "who can't be connected to connects");
    return;
  }
  const std::string start = "OK port=3232 cookie=";
  const Bytes answer = last_.datagram;
  PROPERTY(answer.size == start.size() + secureota::kCookieSize &&
               memcmp(answer.data, start.data(), start.size()) == 0,
           "who may connect is told where, and what to say");
  cookie_.assign(reinterpret_cast<const char*>(answer.data) + start.size(), secureota::kCookieSize);
  listening_ = true;
  listenedFor_ = sender;
}

void Upload::accepted(uint8_t from) {
  if (!listening_ || calling_ || connected_) {
    return;  // nobody can connect
  }
  const Endpoint caller = endpoint(from);
  call([&] { return receiver_.onAccepted(caller, now_); });
  calling_ = !last_.close;
  PROPERTY(!calling_ || caller.sameAddress(listenedFor_), "a stranger is dropped at once");
  open_ = false;
  greeting_.clear();
}

void Upload::greet(uint8_t how) {
  std::string text = cookie_ + "\n";
  if (how % 3 == 1) {
    text[now_ % text.size()] ^= 1;
  }
  if (how % 3 == 2) {
    text.resize(text.size() / 2);
  }
  take(bytesOf(text));
}

// The greeting, by the harness's own reckoning: what stands behind it may come as far as flash.
Bytes Upload::behindGreeting(Bytes bytes) {
  const std::string wanted = cookie_ + "\n";
  const size_t missing = std::min(bytes.size, wanted.size() - greeting_.size());
  greeting_.append(reinterpret_cast<const char*>(bytes.data), missing);
  if (greeting_.size() == wanted.size()) {
    calling_ = false;
    if (greeting_ == wanted) {
      beginTransfer();
      open_ = true;
      return Bytes(bytes.data + missing, bytes.size - missing);
    }
  }
  return Bytes();
}

void Upload::stream(size_t size) {
  const size_t piece = std::min(size, container_.size() - std::min(sent_, container_.size()));
  take(Bytes(container_.data() + sent_, piece));
  sent_ += piece;
}

void Upload::take(Bytes bytes) {
  const bool greets = calling_ && bytes.size != 0;
  const Bytes taken = greets ? behindGreeting(bytes) : bytes;
  if (open_) {
    transferred_.insert(transferred_.end(), taken.data, taken.data + taken.size);
  }
  target_.expectFlashFor(transferred_);
  const unsigned before = target_.flash.opened;
  call([&] { return receiver_.onStream(bytes, now_); });
  if (greets) {
    PROPERTY(last_.stopListening == open_, "who said the cookie is the last to connect");
    PROPERTY(open_ || last_.close == !calling_, "who said another one is dropped");
    PROPERTY(open_ || last_.stream.empty(), "without a word");
  }
  PROPERTY(target_.flash.opened == before || connected_, "flash is opened only during a transfer");
  const Bytes answer = last_.stream;
  saidOk_ = answer.size >= 2 && memcmp(answer.data + answer.size - 2, "OK", 2) == 0;
  PROPERTY(!saidOk_ || activatedNow() || target_.runs(kRunsAlready),
           "OK means that the new image boots");
  PROPERTY(!saidOk_ || last_.endStream, "OK is the last word");
}

// ---- time, and the end ----

void Upload::tick() {
  call([&] { return receiver_.tick(now_); });
}

// The sketch ends and begins again; its end closes everything.
void Upload::restart() {
  receiver_.end();
  connected_ = listening_ = calling_ = open_ = false;
  PROPERTY(!receiver_.busy() && !target_.flash.isOpen, "an end is an end");
}

void Upload::settle() {
  for (int i = 0; i < 3 && receiver_.busy(); ++i) {
    wait(secureota::kTransferTimeout);
    tick();
  }
  PROPERTY(!receiver_.busy() && !target_.flash.isOpen, "time alone brings the device to rest");
  PROPERTY(!listening_ && !calling_ && !connected_, "at rest everything is closed");
}

}  // namespace fuzz
