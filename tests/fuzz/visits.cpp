#include "visits.h"

#include <algorithm>

#include "head_opinion.h"
#include "meter.h"
#include "secureota/receiver.h"

namespace fuzz {

using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;

Visits::Visits(uint8_t bits, uint8_t flashFails, uint8_t pieces)
    : bits_(bits),
      random_(pieces),
      whole_(pieces == 0),
      singly_(pieces == 1),
      now_(0xffffff00u),
      target_(bits, flashFails),
      door_(this),
      visited_(false),
      activatedBefore_(0),
      proven_(false),
      served_(true),
      challenges_(0),
      passwordChecks_(0),
      sent_(0) {
  target_.flash.hasFilesystem = (bits & kPageHasFiles) != 0;
  PROPERTY((bits & kPageAsksPassword) == 0 || password_.set(kPassword) == Error::None,
           "a password can be set");
  container_ = containerOf(0);
  begin();
}

void Visits::begin() {
  secureota::WebParts parts;
  parts.door = &door_;
  parts.password = &password_;
  parts.random = &nonces_;
  parts.listener = &listener_;
  parts.hostname = kDeviceName;
  parts.product = secureota::asBytes("lamp");
  parts.page = secureota::asBytes("the page");
  receiver_.begin(parts);
}

Error Visits::Door::claim(ImageKind kind, secureota::UpdaterParts* parts) {
  const Pause harness;
  PROPERTY(!lent, "the device is lent once");
  PROPERTY(mayUpload(visits_->head_), "only the device's own page begins an upload");
  PROPERTY((visits_->bits_ & kPageAsksPassword) == 0 || visits_->proven_,
           "who does not know the password does not begin one");
  visits_->served_ = true;
  if (occupied) {
    return Error::Busy;
  }
  lent = true;
  visits_->target_.flash.announced = kind;
  *parts = visits_->target_.parts();
  return Error::None;
}

void Visits::Door::release() {
  PROPERTY(lent, "what is given back was lent");
  lent = false;
}

// Calls the device, and sees what every call promises.
template <typename Call>
void Visits::call(Call device) {
  const bool wasOnTrial = target_.onTrial();
  const unsigned opened = target_.flash.opened;
  start(anchors());
  {
    const Resume core;
    device();
  }
  const Meter& used = stop();
  PROPERTY(used.allocations == 0, "the core allocates nothing");
  PROPERTY(used.passwordChecks <= 1, "a call costs one password check at most");
  passwordChecks_ += used.passwordChecks;
  PROPERTY(passwordChecks_ <= challenges_, "a nonce costs one password check at most");
  PROPERTY(!wasOnTrial || target_.flash.opened == opened, "nothing is written while on trial");
  PROPERTY(!target_.flash.isOpen || (door_.lent && !receiver_.answered()),
           "flash is open only during an upload");
  PROPERTY(!target_.flash.bootable || receiver_.updated(), "what boots was uploaded in this visit");
  PROPERTY(!visited_ || !receiver_.updated() || (target_.flash.bootable && door_.lent),
           "an update keeps the device until its visitor has left");
}

// ---- one visitor after the other ----

void Visits::visitor(uint8_t from) {
  leave();
  visited_ = true;
  from_ = endpoint(from);
  head_.clear();
  body_.clear();
  said_.clear();
  proven_ = false;
  activatedBefore_ = target_.flash.activated;
  target_.forget();
  target_.flash.announced = ImageKind::Application;
  target_.flash.heldBack = Bytes();
  call([&] { receiver_.onVisitor(from_, now_); });
}

void Visits::leave() {
  if (!visited_) {
    return;
  }
  visited_ = false;
  take(SIZE_MAX);
  judgeAnswer(said_);
  target_.flash.bootable = false;  // it has restarted, where it was updated
  start(anchors());
  receiver_.onLeft();
  PROPERTY(stop().allocations == 0, "the core allocates nothing");
  PROPERTY(!door_.lent && !target_.flash.isOpen, "who has left, has left nothing open");
}

void Visits::judgeAnswer(const std::string& all) {
  if (all.empty()) {
    PROPERTY(!activatedNow(), "what boots was answered");
    return;
  }
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const bool hasInterim = all.compare(0, interim.size(), interim) == 0;
  const std::string answer = hasInterim ? all.substr(interim.size()) : all;
  if (answer.empty()) {
    return;  // it was still to come
  }
  std::string body;
  const unsigned status = answerIn(answer, &body);
  PROPERTY(status != 0, "an answer is well-formed, and its body as long as it says");
  const bool isPost = head_.compare(0, 5, "POST ") == 0;
  PROPERTY(!(isPost && status == 200) || activatedNow() || target_.runs(kRunsAlready),
           "OK means that the new image boots");
  PROPERTY((isPost && status == 200) || !activatedNow(), "and that it boots is said");
  if (status == 200 && body.size() == secureota::kLongNonceSize) {
    PROPERTY(nonce_ != body, "no nonce is given out twice");
    nonce_ = body;
    challenged_ = from_;
    served_ = false;
    ++challenges_;
  }
  story_ += std::to_string(status) + body + "\n";
}

void Visits::expect(Bytes bytes) {
  size_t at = 0;
  while (at < bytes.size && !hasHead()) {
    head_ += static_cast<char>(bytes.data[at++]);
  }
  const size_t announced = hasHead() ? lengthIn(head_) : 0;
  const size_t missing = announced - std::min(announced, body_.size());
  const Bytes more(bytes.data + at, std::min(bytes.size - at, missing));
  body_.insert(body_.end(), more.data, more.data + more.size);
  target_.expectFlashFor(body_);
  if (target_.flash.announced == ImageKind::Filesystem &&
      body_.size() >= secureota::kManifestSize) {
    target_.flash.heldBack =
        Bytes(body_.data() + body_.size() - secureota::kManifestSize, secureota::kManifestSize);
  }
}

void Visits::hear(Bytes bytes) {
  for (size_t at = 0; visited_ && at < bytes.size;) {
    const size_t left = bytes.size - at;
    random_ = random_ * 1103515245u + 12345u;
    const size_t piece = whole_ ? left : singly_ ? 1 : 1 + random_ / 65536u % 500;
    const Bytes part(bytes.data + at, std::min(left, piece));
    expect(part);
    call([&] { receiver_.onBytes(part, now_); });
    at += part.size;
  }
}

void Visits::close() {
  if (visited_) {
    call([&] { receiver_.onClosed(); });
    PROPERTY(receiver_.answered(), "who says nothing more has their answer");
  }
}

void Visits::take(size_t size) {
  while (size != 0 && !receiver_.output().empty()) {
    const Bytes output = receiver_.output();
    const size_t piece = std::min(size, output.size);
    said_.append(reinterpret_cast<const char*>(output.data), piece);
    receiver_.sent(piece);
    size -= piece;
  }
}

// ---- time, and the end ----

void Visits::tick() {
  call([&] { receiver_.tick(now_); });
}

void Visits::occupy() {
  door_.occupied = !door_.occupied;
}

void Visits::settle() {
  wait(secureota::kTransferTimeout);
  tick();
  PROPERTY(!visited_ || receiver_.answered(), "time alone ends every visit");
  leave();
}

void Visits::goodUpload() {
  target_.confirm();
  target_.renew();
  door_.occupied = false;
  begin();
  wait(secureota::kTransferTimeout);  // also for who gave a wrong password
  tick();
  visitor(1);
  get(1);
  visitor(1);
  upload(1, 0, 2);
  rest();
  PROPERTY(receiver_.updated() && target_.flash.bootable,
           "a good upload is taken after whatever came before");
  leave();
}

}  // namespace fuzz
