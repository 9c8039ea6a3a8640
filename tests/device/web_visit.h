// A device with an upload page, in memory: visitors, and a clock that the test moves.
#pragma once

#include <utility>
#include <vector>

#include "desk.h"
#include "secureota/web_receiver.h"

namespace web_visit {

using pretend::Buffer;
using secureota::Bytes;
using secureota::Endpoint;
using secureota::Error;
using secureota::ImageKind;
using secureota::WebReceiver;

const char kHost[] = "192.0.2.7:8080";
const char kPage[] = "<!doctype html> the page";

// Lends the device's parts, unless somebody else has it.
class Door final : public secureota::UpdateDoor {
 public:
  explicit Door(pretend::Device* device)
      : busy(false), lent(false), kind(ImageKind::Application), device_(device) {}

  Error claim(ImageKind wanted, secureota::UpdaterParts* parts) override {
    if (busy) {
      return Error::Busy;
    }
    CHECK(!lent);
    lent = true;
    kind = wanted;
    *parts = device_->parts();
    return Error::None;
  }
  void release() override {
    CHECK(lent);
    lent = false;
  }

  bool busy;
  bool lent;
  ImageKind kind;  // the last one

 private:
  pretend::Device* device_;
};

struct Answer {
  unsigned status;
  std::string head;
  std::string body;
};

// The one answer that these bytes are. Its length is what it says.
inline Answer split(const std::string& bytes) {
  Answer answer = {0, "", ""};
  const size_t end = bytes.find("\r\n\r\n");
  if (!CHECK(bytes.compare(0, 9, "HTTP/1.1 ") == 0 && end != std::string::npos)) {
    return answer;
  }
  answer.head = bytes.substr(0, end + 4);
  answer.body = bytes.substr(end + 4);
  answer.status = static_cast<unsigned>(std::stoul(bytes.substr(9, 3)));
  const std::string length = "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n";
  CHECK(answer.head.find(length) != std::string::npos);
  CHECK(answer.head.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(answer.head.find("frame-ancestors 'none'\r\n") != std::string::npos);  // its last field
  return answer;
}

typedef std::vector<std::pair<std::string, std::string>> Fields;

// The head of a good upload of so many bytes, with some fields changed, or left out (value "-").
inline std::string uploadHead(size_t length, const Fields& changes = Fields()) {
  Fields fields = {{"Host", kHost},
                   {"Origin", std::string("http://") + kHost},
                   {"Content-Type", "application/octet-stream"},
                   {"Content-Length", std::to_string(length)},
                   {"X-SecureOTA-Kind", "0"}};
  for (const auto& change : changes) {
    bool there = false;
    for (auto& field : fields) {
      if (field.first == change.first) {
        field.second = change.second;
        there = true;
      }
    }
    if (!there) {
      fields.push_back(change);
    }
  }
  std::string head = "POST /update HTTP/1.1\r\n";
  for (const auto& field : fields) {
    head += field.second == "-" ? "" : field.first + ": " + field.second + "\r\n";
  }
  return head + "\r\n";
}

class Site {
 public:
  Site() : door(&device), now(UINT32_MAX - 500) { begin(); }

  void begin(const char* product = "") {
    secureota::WebParts parts;
    parts.door = &door;
    parts.password = &password;
    parts.random = &random;
    parts.listener = &device.listener;
    parts.hostname = "Kitchen-Lamp";
    parts.product = secureota::asBytes(product);
    parts.page = secureota::asBytes(kPage);
    receiver.begin(parts);
  }

  void visitor(const Endpoint& from = desk::kOwner) { receiver.onVisitor(from, now); }

  void hears(const std::string& bytes, size_t piece = 1460) {
    for (size_t at = 0; at < bytes.size(); at += piece) {
      receiver.onBytes(desk::bytesOf(bytes.substr(at, piece)), now);
    }
  }

  // All that is in output(), taken in pieces of this size.
  std::string takes(size_t piece = 1460) {
    std::string taken;
    while (!receiver.output().empty()) {
      const Bytes output = receiver.output();
      const size_t size = output.size < piece ? output.size : piece;
      taken += desk::text(Bytes(output.data, size));
      receiver.sent(size);
    }
    return taken;
  }

  void after(uint32_t milliseconds) {
    now += milliseconds;
    receiver.tick(now);
  }

  // A whole visit.
  Answer exchange(const std::string& bytes, const Endpoint& from = desk::kOwner,
                  size_t piece = 1460) {
    visitor(from);
    hears(bytes, piece);
    CHECK(receiver.answered());
    const Answer answer = split(takes());
    receiver.onLeft();
    CHECK(!door.lent);
    return answer;
  }
  Answer get(const std::string& path, const Endpoint& from = desk::kOwner) {
    return exchange("GET " + path + " HTTP/1.1\r\nHost: " + kHost + "\r\n\r\n", from);
  }
  Answer upload(const Buffer& data, const Fields& changes = Fields(),
                const Endpoint& from = desk::kOwner) {
    return exchange(uploadHead(data.size(), changes) + std::string(data.begin(), data.end()), from);
  }

  pretend::Device device;
  secureota::Password password;
  desk::Counter random;
  Door door;
  WebReceiver receiver;
  uint32_t now;
};

inline std::string line(Error why) {
  return std::string(errorName(why)) + ": " + errorSentence(why) + "\n";
}

}  // namespace web_visit
