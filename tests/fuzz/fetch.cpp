#include "fetch.h"

#include <algorithm>

#include "host.h"
#include "meter.h"

namespace fuzz {

using secureota::Bytes;
using secureota::Error;
using secureota::HttpPull;
using secureota::ImageKind;

const char kUrl[] = "http://h.example:8080/f?v";

Fetch::Fetch(uint8_t bits, uint8_t flashFails, uint8_t pieces)
    : bits_(bits),
      random_(pieces),
      whole_(pieces == 0),
      singly_(pieces == 1),
      target_(bits, flashFails),
      next_(Next::Done),
      connected_(false),
      sent_(0),
      inVain_(0),
      activatedBefore_(0) {
  target_.flash.hasFilesystem = (bits & kHasFiles) != 0;
  target_.flash.announced = kind();
  file_ = containerOf(0);
  begin();
}

ImageKind Fetch::kind() const {
  return (bits_ & kFetchesFiles) != 0 ? ImageKind::Filesystem : ImageKind::Application;
}

// Calls the device, and sees what every call promises.
template <typename Call>
void Fetch::call(Call device) {
  const bool wasOnTrial = target_.onTrial();
  const unsigned opened = target_.flash.opened;
  start(anchors());
  Next next;
  {
    const Resume core;
    next = device();
  }
  const Meter& used = stop();
  PROPERTY(used.allocations == 0, "the core allocates nothing");
  PROPERTY(!wasOnTrial || target_.flash.opened == opened, "nothing is written while on trial");
  PROPERTY(!target_.flash.bootable || next == Next::Done, "nothing boots before the end");
  PROPERTY(next == Next::Done || pull_.fruitless() <= secureota::kMaxFruitless,
           "connections that bring nothing are counted");
  follow(next);
}

void Fetch::begin() {
  if (next_ != Next::Done) {
    return;
  }
  opinion_.forget();
  target_.forget();
  inVain_ = 0;
  activatedBefore_ = target_.flash.activated;
  target_.flash.bootable = false;  // it has restarted
  secureota::UpdaterParts parts = target_.parts();
  parts.unattended = true;
  const Bytes etag = secureota::asBytes((bits_ & kKnowsEtag) != 0 ? "\"e0\"" : "");
  call([&] { return pull_.begin(parts, kind(), secureota::asBytes(kUrl), etag); });
}

void Fetch::follow(Next next) {
  next_ = next;
  if (next != Next::Read) {
    connected_ = false;
  }
  if (next == Next::Connect) {
    PROPERTY(++inVain_ <= (secureota::kMaxFruitless + 1) * (secureota::kMaxRedirects + 1),
             "a server that brings nothing is not asked for ever");
  }
  if (next == Next::Done) {
    end();
  }
}

// Does each line of it stand where it may? A server must not be able to write one.
static void checkRequest(const std::string& request) {
  static const char* const kLines[] = {
      "GET /",         "Host: ",       "User-Agent: SecureOTA", "Accept-Encoding: identity",
      "Range: bytes=", "If-Range: \"", "If-None-Match: ",       "Connection: close"};
  size_t line = 0;
  size_t at = 0;
  for (;;) {
    const size_t end = request.find("\r\n", at);
    PROPERTY(end != std::string::npos, "lines of a request end");
    if (end == at) {
      break;
    }
    while (line < 8 && request.compare(at, strlen(kLines[line]), kLines[line]) != 0) {
      ++line;
    }
    PROPERTY(line < 8, "a request has the lines that it may have, each once");
    PROPERTY(line != 0 || std::count(request.begin(), request.begin() + ptrdiff_t(end), ' ') == 2,
             "its first line has three words");
    ++line;
    for (; at < end; ++at) {
      PROPERTY(uint8_t(request[at]) >= ' ' && request[at] != 0x7f, "and no controls in them");
    }
    at = end + 2;
  }
  PROPERTY(at + 2 == request.size() && line == 8, "and ends where it ends");
}

void Fetch::ask() {
  if (next_ != Next::Connect) {
    return;
  }
  PROPERTY(
      !pull_.url().tls && pull_.url().host.size <= secureota::kMaxHostSize && pull_.url().port != 0,
      "a connection goes where it can go");
  start(anchors());
  Bytes request;
  {
    const Resume core;
    request = pull_.request();
  }
  PROPERTY(stop().allocations == 0, "the core allocates nothing");
  request_ = textOf(request);
  checkRequest(request_);
  story_ += request_;
  opinion_.connection();
  connected_ = true;
  next_ = Next::Read;
}

void Fetch::expect() {
  if (opinion_.began()) {
    target_.forget();
  }
  target_.expectFlashFor(opinion_.file());
  const Buffer& file = opinion_.file();
  if (kind() == ImageKind::Filesystem && file.size() >= secureota::kManifestSize) {
    target_.flash.heldBack =
        Bytes(file.data() + file.size() - secureota::kManifestSize, secureota::kManifestSize);
  }
}

void Fetch::send(const std::string& text) {
  hear(bytesOf(text));
}

void Fetch::hear(Bytes bytes) {
  ask();
  for (size_t at = 0; at < bytes.size && next_ == Next::Read;) {
    const size_t left = bytes.size - at;
    random_ = random_ * 1103515245u + 12345u;
    const size_t piece = whole_ ? left : singly_ ? 1 : 1 + random_ / 65536u % 500;
    const Bytes part(bytes.data + at, std::min(left, piece));
    const size_t before = opinion_.file().size();
    opinion_.hear(part);
    expect();
    if (opinion_.file().size() != before) {
      inVain_ = 0;
    }
    call([&] { return pull_.onBytes(part); });
    at += part.size;
  }
}

void Fetch::close() {
  if (next_ == Next::Done) {
    return;
  }
  call([&] { return pull_.onClosed(Error::ConnectionLost); });
}

void Fetch::giveUp() {
  if (next_ == Next::Done) {
    return;
  }
  call([&] { return pull_.giveUp(Error::TimedOut); });
  PROPERTY(next_ == Next::Done, "who gives up is done");
}

void Fetch::confirm() {
  target_.confirm();
}

void Fetch::end() {
  const bool activated = target_.flash.activated > activatedBefore_;
  PROPERTY(!target_.flash.isOpen, "an update that is over leaves nothing open");
  PROPERTY(activated == target_.flash.bootable, "what was activated boots");
  const HttpPull::Outcome outcome = pull_.outcome();
  story_ += errorName(pull_.why());
  story_ += '\n';
  PROPERTY((outcome == HttpPull::Outcome::Updated) == activated, "Updated means that it boots");
  PROPERTY((outcome == HttpPull::Outcome::Refused) == (pull_.why() != Error::None),
           "a refusal has its reason");
  PROPERTY(pull_.etag().empty() || outcome == HttpPull::Outcome::NothingNew,
           "only what holds nothing new is not asked for again");
  if (outcome == HttpPull::Outcome::NothingNew) {
    const bool said =
        opinion_.status() == 304 && request_.find("If-None-Match: ") != std::string::npos;
    PROPERTY(said || target_.flash.accepted != nullptr,
             "nothing is new where the server says so to who asks, or a good token does");
    PROPERTY(said || target_.runs(kRunsAlready) || kind() == ImageKind::Filesystem,
             "and then it is there");
  }
}

void Fetch::goodUpdate() {
  giveUp();
  target_.confirm();
  target_.renew();
  target_.flash.announced = ImageKind::Application;
  target_.flash.heldBack = Bytes();
  opinion_.forget();
  const Buffer& good = containerOf(1);
  secureota::UpdaterParts parts = target_.parts();
  next_ = pull_.begin(parts, ImageKind::Application, secureota::asBytes(kUrl), Bytes());
  PROPERTY(next_ == Next::Connect, "a good URL is good after whatever came before");
  const std::string request = textOf(pull_.request());
  PROPERTY(request.find("Range") == std::string::npos && request.find("If-") == std::string::npos,
           "nothing is left of the last update");
  target_.expectFlashFor(good);
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(good.size()) + "\r\n\r\n";
  next_ = pull_.onBytes(bytesOf(head));
  next_ = next_ == Next::Read ? pull_.onBytes(bytesOf(good)) : next_;
  PROPERTY(next_ == Next::Done && pull_.outcome() == HttpPull::Outcome::Updated &&
               target_.flash.bootable,
           "a good file is taken after whatever came before");
}

}  // namespace fuzz
