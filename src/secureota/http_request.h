// What a browser asks of the device's own page (RFC 9110, 9112), as far as that page needs it.
//
// Fields that matter are there once or not at all, and are short; all others are passed over.
#pragma once

#include "http_head.h"

namespace secureota {

class HttpRequest final : public HttpHead {
 public:
  enum class Method : uint8_t { Get, Post, Other };

  HttpRequest();

  void reset();

  // The rest means something once complete() is true. Texts are empty where the field is not there.

  Method method() const { return method_; }

  // Without the query; "" for one that is longer than any of ours.
  Bytes path() const { return path_.bytes(); }

  // A host, and perhaps a port.
  Bytes host() const { return host_.bytes(); }

  // Where the page that asks came from.
  Bytes origin() const { return origin_.bytes(); }

  // "application/octet-stream"
  Bytes contentType() const { return type_.bytes(); }

  // X-SecureOTA-Kind, X-SecureOTA-Password: only a page that the device allows can send them.
  Bytes kind() const { return kind_.bytes(); }
  Bytes password() const { return password_.bytes(); }

  bool hasLength() const { return hasLength_; }
  uint32_t length() const { return length_; }

  // The body would be in pieces of its own.
  bool isCoded() const { return coded_; }

  // The client waits with the body until it hears that it is wanted.
  bool expectsContinue() const { return expectsContinue_; }

 private:
  // "200 ", two numbers of 64 digits, and the space between them; an origin is shorter.
  static const size_t kTextSize = 136;

  class Text {
   public:
    Text() : size_(0), there_(false) {}
    void reset();
    Error take(Bytes value);  // HttpMalformed: it is there already, or does not fit
    Bytes bytes() const;

   private:
    char data_[kTextSize];
    size_t size_;
    bool there_;
  };

  Error onFirstLine(Bytes line) override;
  Error onField(Bytes name, Bytes value, bool whole) override;
  Text* textFor(Bytes name);
  SECUREOTA_NODISCARD Error takeLength(Bytes value);

  // "x-secureota-password: " and the longest text.
  static const size_t kLineSize = kTextSize + 32;
  char line_[kLineSize];

  Method method_;
  Text path_;
  Text host_;
  Text origin_;
  Text type_;
  Text kind_;
  Text password_;
  bool hasLength_;
  uint32_t length_;
  bool coded_;
  bool expectsContinue_;
};

}  // namespace secureota
