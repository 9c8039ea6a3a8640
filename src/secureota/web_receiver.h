// The upload page, from the device's side: what a browser sends goes in, what it is answered comes
// out (docs/other-ways.md).
//
//     GET  /            the page
//     GET  /challenge   a nonce of 64 characters, or nothing where no password is set; and the
//                       field X-SecureOTA-Product, where the device is a product
//     POST /update      a container; the answer is `OK`, or the line of a refusal (docs/format.md,
//                       5)
//
// It owns no socket and no clock, and serves one visitor at a time. Like the Receiver it is bounded
// in what strangers can make it do; and because a browser takes orders from any page that its user
// has open, an upload must
//
//   - carry a field that a page of another site can't send without asking us first, which it may
//     not (X-SecureOTA-Kind; RFC 9110's CORS preflight is answered with 405),
//   - come from this page, where the browser says from where (Origin),
//   - and be addressed to this device: by its address, or by its name. The name of somebody else
//     that leads here is how a strange page would become "the same site".
#pragma once

#include "auth.h"
#include "backoff.h"
#include "endpoint.h"
#include "http_request.h"
#include "random_source.h"
#include "refusal.h"
#include "updater.h"

namespace secureota {

const uint32_t kWebHeadTimeout = 3000;  // milliseconds until a request's head must be there

// Whoever has the device for an update: there is one at a time.
class UpdateDoor {
 public:
  // Lends what an Updater works with, for an image of this kind, until release(). Busy.
  SECUREOTA_NODISCARD virtual Error claim(ImageKind kind, UpdaterParts* parts) = 0;
  virtual void release() = 0;

 protected:
  ~UpdateDoor() {}
};

// All belongs to the caller and must outlive the WebReceiver.
struct WebParts {
  UpdateDoor* door;
  const Password* password;
  RandomSource* random;
  UpdateListener* listener;
  const char* hostname;  // the device's name
  Bytes product;         // of its manifest, or empty: the page spares people an upload in vain
  Bytes page;            // HTML
};

class WebReceiver {
 public:
  WebReceiver();

  void begin(const WebParts& parts);

  void setIdleTimeout(uint32_t milliseconds) { idleTimeout_ = milliseconds; }

  // ---- one visit after the other ----

  void onVisitor(const Endpoint& from, uint32_t now);

  // May take as long as the verification of a token, or as reading back the whole image.
  void onBytes(Bytes bytes, uint32_t now);

  // The visitor sends nothing more.
  void onClosed();

  // The connection is closed. An image that was brought keeps others out until then.
  void onLeft();

  // To be called often: time-outs.
  void tick(uint32_t now);

  // What is to be sent now, or nothing; and how much of it was.
  Bytes output() const;
  void sent(size_t size);

  // The answer is out, or in output(): what still comes is of no interest.
  bool answered() const { return state_ == State::Answered; }

  // Nothing has come from this visitor yet.
  bool silent() const { return silent_; }

  // A token was accepted, and the image is on its way.
  bool installing() const { return state_ == State::Body && updater_.accepted(); }

  // The visit has brought a new image.
  bool updated() const { return updated_; }

 private:
  enum class State : uint8_t { Head, Body, Answered };

  void onHead(uint32_t now);
  void challenge(uint32_t now);
  void beginUpload(uint32_t now);
  SECUREOTA_NODISCARD Error considerUpload() const;
  SECUREOTA_NODISCARD Error checkPassword(uint32_t now);
  void takeBody(Bytes bytes);
  void finishUpload();
  void refuse(Error why, UpdateListener::Stage at);
  void answer(const char* status, const char* type, Bytes body);
  void answerChallenge(Bytes nonce);
  void beginHead(const char* status, const char* type, size_t length);
  void endHead(Bytes body);
  void append(Bytes text);

  WebParts parts_;
  State state_;
  Endpoint from_;
  uint32_t since_;     // when state_ was entered
  uint32_t lastByte_;  // when something last came
  uint32_t idleTimeout_;
  bool silent_;
  bool claimed_;
  bool updated_;
  HttpRequest request_;
  Updater updater_;

  // For one visit more: who asked for it has to come back with the answer.
  char nonce_[kLongNonceSize];
  bool nonceOpen_;
  uint32_t nonceSince_;
  Endpoint nonceFor_;
  Backoff backoff_;

  static const size_t kHeadSize = 512;
  char head_[kHeadSize];
  size_t headSize_;
  char text_[kRefusalSize];
  Bytes body_;
  size_t sent_;  // of head and body
};

}  // namespace secureota
