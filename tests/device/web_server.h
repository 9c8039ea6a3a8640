// A device that fetches from a web server, in memory: the test says what comes over each
// connection.
#pragma once

#include <string>

#include "http_head.h"
#include "pretend.h"
#include "secureota/http_pull.h"

namespace web_server {

using http_head::textOf;
using pretend::Buffer;
using secureota::Bytes;
using secureota::Error;
using secureota::HttpPull;
using secureota::ImageKind;

typedef HttpPull::Next Next;
typedef HttpPull::Outcome Outcome;

const char kUrl[] = "http://h.example:8080/a/lamp.bin?v=2";
const char kEtag[] = "\"v2\"";

inline std::string text(const Buffer& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// What a good server sends: a head, and the file, or its rest from `first` on.
inline std::string answer(const std::string& file, const std::string& etag = kEtag,
                          size_t first = 0) {
  const std::string total = std::to_string(file.size());
  std::string head = "HTTP/1.1 200 OK\r\n";
  if (first != 0) {
    head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(first) + "-" +
           std::to_string(file.size() - 1) + "/" + total + "\r\n";
  }
  head += etag.empty() ? "" : "ETag: " + etag + "\r\n";
  return head + "Content-Length: " + std::to_string(file.size() - first) + "\r\n\r\n" +
         file.substr(first);
}

// A device and one update of it.
class Fetching {
 public:
  explicit Fetching(const std::string& url = kUrl, const std::string& etag = "",
                    ImageKind kind = ImageKind::Application)
      : url_(url), etag_(etag) {
    secureota::UpdaterParts parts = device.parts();
    parts.unattended = true;
    next = pull.begin(parts, kind, http_head::bytesOf(url_), http_head::bytesOf(etag_));
  }

  // A connection stands: what the device asks over it.
  std::string ask() {
    CHECK(next == Next::Connect);
    next = Next::Read;
    asked = textOf(pull.request());
    return asked;
  }

  // These bytes come, in pieces of this size.
  void hears(const std::string& bytes, size_t piece = 1460) {
    for (size_t at = 0; at < bytes.size() && next == Next::Read; at += piece) {
      next = pull.onBytes(http_head::bytesOf(bytes.substr(at, piece)));
    }
  }

  void breaks(Error why = Error::ConnectionLost) { next = pull.onClosed(why); }

  bool endedWith(Outcome outcome) const { return next == Next::Done && pull.outcome() == outcome; }

  // For this reason, once said so, and with nothing that would boot.
  bool refused(Error why) {
    const bool ended = CHECK(endedWith(Outcome::Refused) && !device.flash.bootable &&
                             device.listener.lastError == why && pull.etag().empty() &&
                             device.journal.lines.back() == "refused");
    return CHECK_ERROR(pull.why(), why) && ended;
  }

  bool updated() const {
    return endedWith(Outcome::Updated) && device.flash.bootable && pull.etag().empty();
  }

  pretend::Device device;
  HttpPull pull;
  Next next;
  std::string asked;

 private:
  const std::string url_;
  const std::string etag_;
};

}  // namespace web_server
