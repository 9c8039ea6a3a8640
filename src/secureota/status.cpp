#include "status.h"

#include "manifest.h"
#include "request.h"
#include "text.h"
#include "time_text.h"

namespace secureota {
namespace {

const size_t kLongestReason = 32;  // characters; a test goes through all of them
const char kHmacKey[] = " hmac=";

// Every field at its longest.
static_assert(sizeof "STATUS image= state=confirmed floor= product= version= last= salt= hmac=" +
                      2 * kSha256Size + kTimeTextSize + kMaxProductSize + kMaxVersionSize +
                      kLongestReason + kStatusSaltSize + 2 * kSha256Size <=
                  kMaxStatusSize,
              "room for the answer");
static_assert(kMaxStatusSize <= kStatusQuestionSize && kStatusQuestionSize <= kMaxDatagramSize,
              "no answer is longer than its question");

bool isHex(Bytes text) {
  uint8_t unused[kStatusNonceSize / 2];
  return parseHex(text, unused, sizeof unused);
}

// Writes into the room that a Status has for its answer.
class Writer {
 public:
  explicit Writer(char* out) : out_(out), size_(0) {}
  size_t size() const { return size_; }

  void put(const char* text) { size_ = appendText(text, out_, size_, kMaxStatusSize); }
  void put(Bytes text) {
    const size_t room = kMaxStatusSize - size_;
    const size_t size = text.size < room ? text.size : room;
    if (size != 0) {
      memcpy(out_ + size_, text.data, size);
      size_ += size;
    }
  }
  void putHex(Bytes bytes) {
    char digits[2 * kSha256Size];
    formatHex(bytes, digits);
    put(asBytes(digits, 2 * bytes.size));
  }

 private:
  char* out_;
  size_t size_;
};

}  // namespace

bool isStatusQuestion(Bytes datagram) {
  Bytes line;
  Bytes command;
  const Wanted kWanted[] = {{"cmd", &command}};
  uint32_t number = 0;
  return isRedWaxForm(datagram) && takeLine(datagram, &line) == Error::None &&
         readPairs(line, kWanted, 1) == Error::None && parseNumber(command, &number) &&
         number == kCommandStatus;
}

Error Status::answer(Bytes question, const DeviceFacts& facts, const Password& password,
                     RandomSource* random, Bytes* out) {
  Bytes line;
  Bytes nonce;
  const Wanted kWanted[] = {{"nonce", &nonce}};
  SECUREOTA_TRY(takeLine(question, &line));
  SECUREOTA_TRY(readPairs(line, kWanted, 1));
  if (question.size < kStatusQuestionSize || !isHex(nonce)) {
    return Error::BadInvitation;
  }
  memcpy(text_, nonce.data, kStatusNonceSize);
  text_[kStatusNonceSize] = ':';
  size_t size = write(facts);
  SECUREOTA_TRY(authenticate(password, random, &size));
  *out = asBytes(text_ + kAnswerAt, size);
  return Error::None;
}

size_t Status::write(const DeviceFacts& facts) {
  Writer writer(text_ + kAnswerAt);
  writer.put("STATUS image=");
  if (facts.image != nullptr) {
    writer.putHex(Bytes(facts.image, kSha256Size));
  } else {
    writer.put("-");
  }
  writer.put(facts.pending ? " state=pending floor=" : " state=confirmed floor=");
  char time[kTimeTextSize] = "-";
  if (facts.floor != kNoTime) {
    formatTime(facts.floor, time);
  }
  writer.put(time);
  if (!facts.product.empty()) {
    writer.put(" product=");
    writer.put(facts.product);
  }
  if (!facts.version.empty()) {
    writer.put(" version=");
    writer.put(facts.version);
  }
  if (facts.last != Error::None) {
    writer.put(" last=");
    writer.put(errorName(facts.last));
  }
  return writer.size();
}

Error Status::authenticate(const Password& password, RandomSource* random, size_t* size) {
  const Error error = prepareKey(password, random);
  if (error == Error::NotAuthorized) {
    return Error::None;  // there is no password by which anybody could tell that it was us
  }
  SECUREOTA_TRY(error);
  size_t at = appendText(" salt=", text_, kAnswerAt + *size, sizeof text_);
  memcpy(text_ + at, salt_, kStatusSaltSize);
  at += kStatusSaltSize;
  uint8_t hmac[kSha256Size];
  SECUREOTA_TRY(hmacSha256(Bytes(key_, sizeof key_), asBytes(text_, at), hmac));
  at = appendText(kHmacKey, text_, at, sizeof text_);
  formatHex(Bytes(hmac, sizeof hmac), text_ + at);
  *size = at + 2 * sizeof hmac - kAnswerAt;
  return Error::None;
}

Error Status::prepareKey(const Password& password, RandomSource* random) {
  if (keyKnown_ && keyOf_ == password.changes()) {
    return Error::None;
  }
  keyKnown_ = false;
  if (!saltKnown_) {
    uint8_t bytes[kStatusSaltSize / 2];
    random->fill(bytes, sizeof bytes);
    formatHex(Bytes(bytes, sizeof bytes), salt_);
    saltKnown_ = true;
  }
  char salt[sizeof "status:" - 1 + kStatusSaltSize];
  memcpy(salt + appendText("status:", salt, 0, sizeof salt), salt_, kStatusSaltSize);
  SECUREOTA_TRY(password.derive(asBytes(salt, sizeof salt), key_));
  keyKnown_ = true;
  keyOf_ = password.changes();
  return Error::None;
}

}  // namespace secureota
