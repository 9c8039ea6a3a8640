// What a device says about itself to whoever asks (docs/format.md, 3.3):
//
//     RedWax/1.00 cmd=300 nonce=<n> pad=<any>\n
//     STATUS image=<digest> state=<state> floor=<time>[ product=<p>][ version=<v>][ last=<Reason>]
//         [ salt=<s> hmac=<h>]
//
// With a password the answer is authenticated by it: HMAC-SHA256(K, n ":" the answer before
// " hmac="), K = PBKDF2-HMAC-SHA256(the password's hash, "status:" s). K is derived with the first
// question, and again only after the password was changed: nobody can have it derived over and
// over.
#pragma once

#include "auth.h"
#include "bytes.h"
#include "error.h"
#include "gen_time.h"
#include "random_source.h"

namespace secureota {

const size_t kStatusQuestionSize = 448;  // bytes at least: no answer is longer than its question
const size_t kMaxStatusSize = 384;       // bytes of an answer at most
const size_t kStatusNonceSize = 32;      // characters
const size_t kStatusSaltSize = 32;       // characters

// What is told. Views belong to who fills it in.
struct DeviceFacts {
  const uint8_t* image;  // SHA-256 of what runs, kSha256Size bytes; null: can't be known
  bool pending;          // not confirmed, and a restart would bring the previous image back
  Time floor;            // kNoTime: none
  Bytes product;         // empty: not said; at most kMaxProductSize characters
  Bytes version;         // likewise; kMaxVersionSize
  Error last;            // why the last update came to nothing; None: it did not, or there was none

  DeviceFacts() : image(nullptr), pending(false), floor(kNoTime), last(Error::None) {}
};

class FactsSource {
 public:
  virtual DeviceFacts deviceFacts() = 0;

 protected:
  ~FactsSource() {}
};

// Is it a question about the status, well put or not?
bool isStatusQuestion(Bytes datagram);

class Status {
 public:
  Status() : saltKnown_(false), keyKnown_(false), keyOf_(0) {}

  // The answer to a question; a view that is good until the next call. BadInvitation for a question
  // that is too short or has no nonce; OutOfMemory.
  SECUREOTA_NODISCARD Error answer(Bytes question, const DeviceFacts& facts,
                                   const Password& password, RandomSource* random, Bytes* out);

 private:
  size_t write(const DeviceFacts& facts);
  SECUREOTA_NODISCARD Error authenticate(const Password& password, RandomSource* random,
                                         size_t* size);
  SECUREOTA_NODISCARD Error prepareKey(const Password& password, RandomSource* random);

  bool saltKnown_;
  char salt_[kStatusSaltSize];
  bool keyKnown_;
  uint32_t keyOf_;  // Password::changes() when it was derived
  uint8_t key_[kSha256Size];

  // What the HMAC covers, in one piece: the nonce, ':' and the answer.
  static const size_t kAnswerAt = kStatusNonceSize + 1;
  char text_[kAnswerAt + kMaxStatusSize];
};

}  // namespace secureota
