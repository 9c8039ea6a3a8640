// A script of what happens on the network. Three bytes of settings:
//
//   0  bits: 01 a password is asked for, 02 its MD5 form is allowed, 04 no anchors, 08 the first
//      seed's image runs already, 10 the good upload at the end comes in direct mode
//   1  the call of the cryptography that finds no memory; 0: none
//   2  the operation of the flash that fails; 0: none
//
// and then events, each a byte (modulo their number) with its arguments: see Event.
//
// Promised of every script: no answer is longer than its question, but for the nonce to the stock
// form; a connection goes to whoever asked, and only after the password where there is one; who
// connects to us sends into the void, and is dropped, unless it is the host that asked and it says
// the cookie first; only who gave a wrong password waits, and a nonce costs one computation; "OK"
// on the stream means that the new image boots or runs already, and a restart that it boots; flash
// is opened only during a transfer; whatever happened, time alone brings the device back to rest;
// and then a good upload is taken.

#include <algorithm>

#include "crypto_mode.h"
#include "device.h"
#include "meter.h"
#include "mutator.h"
#include "property.h"
#include "secureota/receiver.h"

using fuzz::Buffer;
using secureota::Actions;
using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Endpoint;
using secureota::Error;
using secureota::Receiver;
using secureota::TrustStore;

namespace {

enum class Event : uint8_t {
  Datagram,      // from, size, bytes
  Invite,        // from, seed, how (bits: 1 stock form, 2 filesystem, 4 wrong digest, 8 direct)
  Authenticate,  // from, right (or wrong)
  Repeat,        // from: the last datagram again
  Connected,
  ConnectionFailed,
  Stream,  // size: so many pieces of 8 bytes of the container that was invited for
  Bytes,   // size, bytes: these over the stream
  Closed,
  Tick,      // tenths of a second
  LongTick,  // tens of seconds
  Restart,   // the sketch ends and begins again
  Rest,      // the rest of the container
  Damage,    // where, how: a byte of the container changes
  Accepted,  // from: a peer connects, if it can
  Greet,     // how: it says the cookie (0), another one (1), or half of it (2)
  Status,    // from, size: asks what the device runs
};
const unsigned kEvents = 17;

const char kPassword[] = "open sesame";
const size_t kStockInvitation = 39;  // bytes of the shortest: "0 1 1 " and an MD5
const size_t kLongChallenge = 5 + secureota::kLongNonceSize;

class Facts final : public secureota::FactsSource {
 public:
  secureota::DeviceFacts deviceFacts() override { return secureota::DeviceFacts(); }
};

// The same bytes every time: what is fuzzed must be repeatable. It counts, so that no nonce serves
// twice.
class Counter final : public secureota::RandomSource {
 public:
  Counter() : count_(0) {}
  void fill(uint8_t* out, size_t size) override {
    for (size_t i = 0; i < size; ++i) {
      out[i] = static_cast<uint8_t>(i == 0 ? ++count_ : i);
    }
  }

 private:
  unsigned count_;
};

std::string hex(Bytes bytes) {
  std::string text(2 * bytes.size, '0');
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size; ++i) {
    text[2 * i] = kDigits[bytes.data[i] >> 4];
    text[2 * i + 1] = kDigits[bytes.data[i] & 15];
  }
  return text;
}

std::string hexDigest(DigestAlgorithm algorithm, const std::string& text) {
  const fuzz::Pause harness;
  uint8_t hash[secureota::kMaxDigestSize];
  const Bytes bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  PROPERTY(digest(algorithm, bytes, hash) == Error::None, "the harness has memory");
  return hex(Bytes(hash, digestSize(algorithm)));
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  bool atEnd() const { return rest_.size == 0; }
  uint8_t take() { return rest_.size == 0 ? 0 : *takeBytes(1).data; }
  Bytes takeBytes(size_t size) {
    const Bytes front(rest_.data, std::min(size, rest_.size));
    rest_ = Bytes(rest_.data + front.size, rest_.size - front.size);
    return front;
  }

 private:
  Bytes rest_;
};

class Trial {
 public:
  Trial(uint8_t bits, uint8_t flashFails)
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
        judged_(false),
        good_(false),
        knewPassword_(false),
        saidOk_(false),
        activatedBefore_(0) {
    flash_.failAt = flashFails;
    PROPERTY(floor_.begin(&record_, secureota::kNoTime) == Error::None, "a floor can be begun");
    PROPERTY((bits & 1) == 0 || password_.set(kPassword) == Error::None, "a password can be set");
    password_.allowMd5((bits & 2) != 0);
    const Buffer image = fuzz::imageOf(kSeeds[0]);
    PROPERTY(digest(DigestAlgorithm::Sha256, fuzz::bytesOf(image), running_) == Error::None,
             "the harness has memory");
    receiver_.begin(parts(bits));
    container_ = fuzz::containerOf(0);
  }

  void play(Reader script) {
    // A script is as long as its input, but ticks are cheap: a bound keeps inputs small.
    for (unsigned events = 0; events < 200 && !script.atEnd(); ++events) {
      playOne(static_cast<Event>(script.take() % kEvents), &script);
    }
  }

  // Nobody does anything any more.
  void rest() {
    for (int i = 0; i < 3 && receiver_.busy(); ++i) {
      now_ += secureota::kTransferTimeout;
      call([&] { return receiver_.tick(now_); });
    }
    PROPERTY(!receiver_.busy() && !flash_.isOpen, "time alone brings the device to rest");
    PROPERTY(!listening_ && !calling_ && !connected_, "at rest everything is closed");
  }

  void goodUpload() {
    flash_.reset();
    flash_.failAt = 0;
    record_ = fuzz::Record();
    floor_ = secureota::Floor();
    PROPERTY(floor_.begin(&record_, secureota::kNoTime) == Error::None, "a floor can be begun");
    receiver_.begin(parts(bits_ & 3));
    knewPassword_ = false;
    const bool direct = (bits_ & 16) != 0;
    now_ |= 1;  // listening succeeds
    invite(1, 1, direct ? 8 : 0);
    if ((bits_ & 1) != 0) {
      authenticate(1, true);
    }
    PROPERTY(direct ? listening_ : last_.connect,
             "a good invitation is accepted after whatever came before");
    if (direct) {
      accepted(1);
      greet(0);
      PROPERTY(open_, "the owner's cookie is taken");
    } else {
      open_ = true;
      call([&] { return receiver_.onConnected(now_); });
    }
    stream(container_.size());
    PROPERTY(saidOk_ && flash_.bootable, "a good upload is taken after whatever came before");
    call([&] { return receiver_.onStreamClosed(); });
    PROPERTY(last_.close && last_.restart && !receiver_.busy(), "and started");
  }

 private:
  secureota::ReceiverParts parts(uint8_t bits) {
    static const TrustStore kNoAnchors;
    secureota::ReceiverParts parts;
    parts.updater.sink = &flash_;
    parts.updater.floor = &floor_;
    parts.updater.anchors = (bits & 4) != 0 ? &kNoAnchors : &fuzz::anchors();
    parts.updater.rules = &rules_;
    parts.updater.listener = &listener_;
    parts.updater.buffer = fuzz::lentBuffer(secureota::kMaxTokenSize);
    parts.updater.bufferSize = secureota::kMaxTokenSize;
    parts.updater.trial = nullptr;
    parts.updater.runningDigest = (bits & 8) != 0 ? running_ : nullptr;
    parts.updater.own = nullptr;
    parts.password = &password_;
    parts.random = &random_;
    parts.facts = &facts_;
    return parts;
  }

  void playOne(Event event, Reader* script) {
    now_ += 1;
    switch (event) {
      case Event::Datagram: {
        const uint8_t from = script->take();
        const size_t size = script->take();
        datagram(from, script->takeBytes(size));
        break;
      }
      case Event::Invite: {
        const uint8_t from = script->take();
        const uint8_t seed = script->take();
        invite(from, seed, script->take());
        break;
      }
      case Event::Authenticate: {
        const uint8_t from = script->take();
        authenticate(from, script->take() % 2 == 1);
        break;
      }
      case Event::Repeat: {
        const std::string again = lastDatagram_;
        send(script->take(), again);
        break;
      }
      case Event::Connected:
        open_ = open_ || connected_;
        call([&] { return receiver_.onConnected(now_); });
        break;
      case Event::ConnectionFailed:
        call([&] { return receiver_.onConnectionFailed(); });
        break;
      case Event::Stream:
        stream(8 * size_t(script->take()) + 1);
        break;
      case Event::Bytes:
        take(script->takeBytes(script->take()));
        break;
      case Event::Closed:
        call([&] { return receiver_.onStreamClosed(); });
        break;
      case Event::Tick:
        now_ += 100u * script->take();
        call([&] { return receiver_.tick(now_); });
        break;
      case Event::LongTick:
        now_ += 10000u * script->take();
        call([&] { return receiver_.tick(now_); });
        break;
      case Event::Accepted:
        accepted(script->take());
        break;
      case Event::Greet:
        greet(script->take());
        break;
      case Event::Status: {
        const uint8_t from = script->take();
        status(from, script->take());
        break;
      }
      case Event::Restart:
        receiver_.end();
        connected_ = listening_ = calling_ = open_ = false;  // the sketch's end closes everything
        PROPERTY(!receiver_.busy() && !flash_.isOpen, "an end is an end");
        break;
      case Event::Rest:
        stream(container_.size());
        break;
      case Event::Damage: {
        const size_t where = 16 * size_t(script->take());
        container_[where % container_.size()] ^= script->take();
        break;
      }
    }
  }

  static Endpoint endpoint(uint8_t from) {
    Endpoint endpoint;
    endpoint.addressSize = 4;
    endpoint.address[3] = static_cast<uint8_t>(from / 2 % 4);  // four hosts, two ports on each
    endpoint.port = static_cast<uint16_t>(1000 + from % 2);
    return endpoint;
  }

  void send(uint8_t from, const std::string& text) {
    datagram(from, Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  void datagram(uint8_t from, Bytes bytes) {
    lastDatagram_.assign(reinterpret_cast<const char*>(bytes.data), bytes.size);
    const Endpoint sender = endpoint(from);
    const bool wasBusy = receiver_.busy();
    call([&] { return receiver_.onDatagram(bytes, sender, now_); });
    const bool closedFirst = last_.closeFirst;
    const unsigned passwordChecks = passwordChecks_;
    if (last_.listen) {
      PROPERTY((bits_ & 1) == 0 || knewPassword_, "who does not know the password can't connect");
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
      failed_[sender.address[3]] = true;
    }
    PROPERTY(!begins("TooMany") || failed_[sender.address[3]], "only who failed has to wait");
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
      PROPERTY((bits_ & 1) == 0 || knewPassword_, "who does not know the password is not visited");
      PROPERTY((bits_ & 1) == 0 || sender == challenged_, "a nonce serves its addressee");
      PROPERTY(!wasBusy || (bits_ & 1) != 0 || closedFirst, "one upload at a time");
      beginTransfer();
      open_ = false;
    }
  }

  // A connection stands, or is about to.
  void beginTransfer() {
    sent_ = 0;
    transferred_.clear();
    judged_ = false;
    saidOk_ = false;
    activatedBefore_ = flash_.activated;
    connected_ = true;
  }

  // What a port does that is told to listen. Now and then it can't.
  void listenFor(const Endpoint& sender) {
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
    cookie_.assign(reinterpret_cast<const char*>(answer.data) + start.size(),
                   secureota::kCookieSize);
    listening_ = true;
    listenedFor_ = sender;
  }

  void accepted(uint8_t from) {
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

  void greet(uint8_t how) {
    std::string text = cookie_ + "\n";
    if (how % 3 == 1) {
      text[now_ % text.size()] ^= 1;
    }
    if (how % 3 == 2) {
      text.resize(text.size() / 2);
    }
    take(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  // The greeting, by the harness's own reckoning: what stands behind it may come as far as flash.
  Bytes behindGreeting(Bytes bytes) {
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

  void invite(uint8_t from, uint8_t seed, uint8_t how) {
    container_ = fuzz::containerOf(seed % fuzz::kSeedCount);
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

  void status(uint8_t from, uint8_t size) {
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

  void authenticate(uint8_t from, bool right) {
    if (nonce_.empty()) {
      return;
    }
    const std::string cnonce(nonce_.size(), 'c');
    const std::string salt = nonce_ + ":" + cnonce;
    std::string answer;
    if (nonce_.size() == secureota::kShortNonceSize) {
      const std::string hash = hexDigest(DigestAlgorithm::Md5, kPassword);
      answer = hexDigest(DigestAlgorithm::Md5, hash + ":" + salt);
    } else {
      answer = hexDigest(DigestAlgorithm::Sha256, stretched(salt) + ":" + salt);
    }
    if (right) {
      knewPassword_ = true;
    } else {
      answer[3] = answer[3] == '0' ? '1' : '0';
    }
    send(from, "200 " + cnonce + " " + answer + "\n");
  }

  static std::string stretched(const std::string& salt) {
    const std::string hash = hexDigest(DigestAlgorithm::Sha256, kPassword);
    uint8_t key[secureota::kSha256Size];
    const auto bytes = [](const std::string& text) {
      return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    };
    PROPERTY(pbkdf2Sha256(bytes(hash), bytes(salt), secureota::kPasswordRounds, key) == Error::None,
             "the harness has memory");
    return hex(Bytes(key, sizeof key));
  }

  void stream(size_t size) {
    const size_t piece = std::min(size, container_.size() - std::min(sent_, container_.size()));
    take(Bytes(container_.data() + sent_, piece));
    sent_ += piece;
  }

  void take(Bytes bytes) {
    const bool greets = calling_ && bytes.size != 0;
    const Bytes taken = greets ? behindGreeting(bytes) : bytes;
    if (open_) {
      transferred_.insert(transferred_.end(), taken.data, taken.data + taken.size);
    }
    flash_.accepted = verifyElsewhere();
    const unsigned before = flash_.opened;
    call([&] { return receiver_.onStream(bytes, now_); });
    if (greets) {
      PROPERTY(last_.stopListening == open_, "who said the cookie is the last to connect");
      PROPERTY(open_ || last_.close == !calling_, "who said another one is dropped");
      PROPERTY(open_ || last_.stream.empty(), "without a word");
    }
    PROPERTY(flash_.opened == before || connected_, "flash is opened only during a transfer");
    const Bytes answer = last_.stream;
    saidOk_ = answer.size >= 2 && memcmp(answer.data + answer.size - 2, "OK", 2) == 0;
    PROPERTY(!saidOk_ || activatedNow() || (bits_ & 8) != 0, "OK means that the new image boots");
    PROPERTY(!saidOk_ || last_.endStream, "OK is the last word");
  }

  // What flash may be opened for: the token at the head of what came so far, if it is good.
  const secureota::VerifiedToken* verifyElsewhere() {
    const Bytes token = fuzz::tokenIn(fuzz::bytesOf(transferred_));
    if (!judged_ && !token.empty()) {
      judged_ = true;
      good_ = verifyToken(token, fuzz::anchors(), rules_, &token_) == Error::None;
    }
    return judged_ && good_ ? &token_ : nullptr;
  }

  // Calls the device, and sees what every call promises.
  template <typename Call>
  void call(Call device) {
    fuzz::start(fuzz::anchors());
    {
      const fuzz::Resume core;
      last_ = device();
    }
    const fuzz::Meter& used = fuzz::stop();
    PROPERTY(used.allocations == 0, "the core allocates nothing");
    PROPERTY(used.passwordChecks <= 1, "a call costs one password check at most");
    passwordChecks_ = used.passwordChecks;
    PROPERTY(!last_.restart || (activatedNow() && flash_.bootable && last_.close),
             "a restart finds a new image, and a closed connection");
    PROPERTY(!flash_.bootable || !flash_.isOpen, "what boots is closed");
    connected_ = connected_ && !last_.close && !last_.closeFirst;
    calling_ = calling_ && !last_.close && !last_.closeFirst;
    listening_ = listening_ && !last_.closeFirst && !last_.stopListening;
  }

  bool activatedNow() const { return flash_.activated > activatedBefore_; }

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
  bool failed_[4];       // who gave a wrong password: the hosts of endpoint()
  bool calling_;         // a peer has connected to us, and has not said the cookie yet
  std::string cookie_;
  std::string greeting_;  // what it said
  Endpoint listenedFor_;
  bool judged_;  // its token has come ...
  bool good_;    // ... and is good
  bool knewPassword_;
  bool saidOk_;
  unsigned activatedBefore_;  // when the connection was asked for
  Actions last_;
  std::string lastDatagram_;
  Buffer transferred_;  // since the connection
  std::string nonce_;
  Endpoint challenged_;  // whom the nonce was sent to
  uint8_t running_[secureota::kSha256Size];
  secureota::VerifiedToken token_;
  secureota::Password password_;
  Counter random_;
  Facts facts_;
  secureota::Rules rules_;
  fuzz::Flash flash_;
  fuzz::Record record_;
  secureota::Floor floor_;
  struct : secureota::UpdateListener {
  } listener_;
  Receiver receiver_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const size_t settings = 3;
  if (size < settings) {
    return 0;
  }
  const fuzz::Pause harness;
  Trial trial(data[0], data[2]);
  fuzz::failProviderAt(data[1]);
  trial.play(Reader(Bytes(data + settings, size - settings)));
  fuzz::failProviderAt(0);
  trial.rest();
  if (fuzz::cryptoIsStub() || size % 8 == 0) {  // real signatures take milliseconds
    trial.goodUpload();
  }
  return 0;
}
