#include "updater.h"

namespace secureota {

UpdaterParts::UpdaterParts()
    : sink(nullptr),
      floor(nullptr),
      anchors(nullptr),
      rules(nullptr),
      listener(nullptr),
      buffer(nullptr),
      bufferSize(0),
      runningDigest(nullptr),
      own(nullptr),
      trial(nullptr),
      filesystem(nullptr),
      unattended(false) {}

Updater::Updater()
    : state_(State::Idle),
      why_(Error::None),
      kind_(ImageKind::Application),
      totalSize_(0),
      taken_(0),
      tokenTaken_(0),
      alreadyRunning_(false),
      staged_(false),
      token_() {}

Error Updater::begin(const UpdaterParts& parts, ImageKind kind, uint32_t totalSize) {
  abort();
  if (parts.anchors->count() == 0) {
    return Error::NoTrustAnchor;
  }
  if (parts.sink->capacity(kind) == 0) {
    return Error::WrongImageKind;
  }
  parts_ = parts;
  if (parts_.bufferSize > kMaxTokenSize) {
    parts_.bufferSize = kMaxTokenSize;
  }
  kind_ = kind;
  totalSize_ = totalSize;
  taken_ = 0;
  header_.reset();
  tokenTaken_ = 0;
  alreadyRunning_ = false;
  staged_ = false;
  state_ = State::Header;
  return Error::None;
}

Error Updater::write(Bytes bytes) {
  if (state_ == State::Failed) {
    return why_;
  }
  if (bytes.size > totalSize_ - taken_) {
    return fail(Error::TrailingData);
  }
  taken_ += static_cast<uint32_t>(bytes.size);
  Bytes rest = bytes;
  while (!rest.empty()) {
    const Error error = step(&rest);
    if (error != Error::None) {
      return fail(error);
    }
  }
  parts_.listener->onProgress(taken_, totalSize_);
  return Error::None;
}

Error Updater::finish() {
  if (state_ == State::Failed) {
    return why_;
  }
  if (state_ == State::Header) {
    return fail(header_.whyIncomplete());
  }
  if (taken_ != totalSize_ || state_ != State::Image) {
    return fail(Error::Truncated);
  }
  const Error error = checkImage();
  if (error != Error::None) {
    return fail(error);
  }
  state_ = State::Done;
  return Error::None;
}

void Updater::abort() {
  if (active()) {
    parts_.sink->abort();
  }
  state_ = State::Idle;
}

bool Updater::active() const {
  return state_ == State::Header || state_ == State::Token || state_ == State::Front ||
         state_ == State::Image;
}

Refusal Updater::explain(Error why) const {
  Refusal refusal(why);
  if (why == Error::OlderThanFloor) {
    refusal.signedAt = token_.genTime;
    refusal.floor = parts_.floor->record().of(kind_).floor;
  }
  return refusal;
}

Error Updater::fail(Error why) {
  abort();
  state_ = State::Failed;
  why_ = why;
  return why;
}

// Takes from the front of `rest` what the present state wants.
Error Updater::step(Bytes* rest) {
  switch (state_) {
    case State::Header:
      return takeHeader(rest);
    case State::Token:
      return takeToken(rest);
    case State::Front:
      return takeFront(rest);
    case State::Image:
      return takeImage(rest);
    case State::Idle:
    case State::Done:
    case State::Failed:
      break;
  }
  return Error::TrailingData;
}

static Bytes takeUpTo(size_t size, Bytes* rest) {
  const Bytes front(rest->data, size < rest->size ? size : rest->size);
  *rest = Bytes(rest->data + front.size, rest->size - front.size);
  return front;
}

Error Updater::takeHeader(Bytes* rest) {
  size_t used = 0;
  SECUREOTA_TRY(header_.feed(*rest, &used));
  (void)takeUpTo(used, rest);
  if (!header_.complete()) {
    return Error::None;
  }
  const ContainerHeader& header = header_.header();
  if (header.tokenSize > parts_.bufferSize) {
    return Error::TokenTooLarge;
  }
  const uint64_t whole = uint64_t(header_.size()) + header.tokenSize + header.imageSize;
  if (whole != totalSize_) {
    return whole > totalSize_ ? Error::Truncated : Error::TrailingData;
  }
  judge_.begin(kind_, header.imageSize, parts_.own, parts_.buffer);
  if (judge_.storedSize() > parts_.sink->capacity(kind_)) {
    return Error::ImageTooLarge;
  }
  SECUREOTA_TRY(checkHints(header, kind_, parts_.own));
  state_ = State::Token;
  return Error::None;
}

Error Updater::takeToken(Bytes* rest) {
  const uint32_t size = header_.header().tokenSize;
  const Bytes piece = takeUpTo(size - tokenTaken_, rest);
  memcpy(parts_.buffer + tokenTaken_, piece.data, piece.size);
  tokenTaken_ += static_cast<uint32_t>(piece.size);
  if (tokenTaken_ < size) {
    return Error::None;
  }
  SECUREOTA_TRY(judgeToken());
  SECUREOTA_TRY(digest_.begin(DigestAlgorithm::Sha256));
  state_ = alreadyRunning_ ? State::Image : State::Front;
  return Error::None;
}

// Verifies the token. The floor is asked here and not by the verifier, because it does not apply to
// the image that runs: its own token is exactly as old as the floor.
Error Updater::judgeToken() {
  const Bytes token(parts_.buffer, header_.header().tokenSize);
  parts_.listener->breathe();
  SECUREOTA_TRY(verifyToken(token, *parts_.anchors, *parts_.rules, &token_));
  parts_.listener->breathe();
  alreadyRunning_ = isThereAlready();
  if (alreadyRunning_) {
    return Error::None;
  }
  if (parts_.trial != nullptr && parts_.trial->pending()) {
    return Error::NotConfirmedYet;
  }
  if (parts_.trial != nullptr && parts_.unattended && kind_ == ImageKind::Application) {
    SECUREOTA_TRY(parts_.trial->left(token_.imageDigest));
  }
  return parts_.floor->admits(kind_, token_.genTime) ? Error::None : Error::OlderThanFloor;
}

// A filesystem changes once it is in use: who uploads the same one again wants it as it was. Where
// nobody watches, it would be written over and over.
bool Updater::isThereAlready() const {
  if (kind_ == ImageKind::Filesystem) {
    return parts_.unattended && parts_.floor->filesystemIs(token_.imageDigest);
  }
  return parts_.runningDigest != nullptr &&
         memcmp(token_.imageDigest, parts_.runningDigest, kSha256Size) == 0;
}

// The front of the image waits in the buffer, which the token has left, until it is judged.
Error Updater::takeFront(Bytes* rest) {
  if (!judge_.takeFront(rest)) {
    return Error::None;
  }
  SECUREOTA_TRY(judge_.judgeFront());
  SECUREOTA_TRY(openSlot());
  state_ = State::Image;
  Bytes front = judge_.front();
  return takeImage(&front);
}

Error Updater::openSlot() {
  staged_ = kind_ == ImageKind::Filesystem && parts_.filesystem != nullptr &&
            parts_.filesystem->choose(header_.header().imageSize);
  if (staged_ && parts_.trial != nullptr && parts_.trial->nextWaits()) {
    return Error::Busy;
  }
  parts_.listener->onStart(kind_, judge_.storedSize());
  // Written in place: what was there is gone from here on, and what comes is not there yet.
  if (kind_ == ImageKind::Filesystem && !staged_ &&
      parts_.floor->expect(kind_, identity()) != Error::None) {
    return Error::FlashOpenFailed;
  }
  return parts_.sink->open(kind_, writtenSize());
}

// Bytes that are written: a manifest that is held back is staged too.
uint32_t Updater::writtenSize() const {
  return staged_ ? header_.header().imageSize : judge_.storedSize();
}

Error Updater::takeImage(Bytes* rest) {
  const Bytes piece = takeUpTo(rest->size, rest);
  if (alreadyRunning_) {
    return Error::None;
  }
  SECUREOTA_TRY(digest_.update(piece));
  const Bytes stored = judge_.pass(piece);
  return stored.empty() ? Error::None : parts_.sink->write(stored);
}

Error Updater::checkImage() {
  if (alreadyRunning_) {
    parts_.listener->onAlreadyRunning(token_);
    return Error::None;
  }
  uint8_t taken[kSha256Size];
  SECUREOTA_TRY(digest_.finish(taken));
  if (memcmp(taken, token_.imageDigest, kSha256Size) != 0) {
    return Error::ImageMismatch;
  }
  SECUREOTA_TRY(judge_.judgeEnd());
  if (staged_) {
    SECUREOTA_TRY(parts_.sink->write(judge_.heldBack()));
  }
  SECUREOTA_TRY(parts_.sink->seal());
  SECUREOTA_TRY(readBackAndCompare());
  SECUREOTA_TRY(activate());
  parts_.listener->onActivated(token_);
  return Error::None;
}

Error Updater::readBackAndCompare() {
  SECUREOTA_TRY(digest_.begin(DigestAlgorithm::Sha256));
  SECUREOTA_TRY(readBack(parts_.sink, writtenSize(), desk(), &digest_));
  if (!staged_) {
    SECUREOTA_TRY(digest_.update(judge_.heldBack()));
  }
  return compare(&digest_, token_.imageDigest);
}

ReadingDesk Updater::desk() const {
  return ReadingDesk{parts_.buffer, parts_.bufferSize, parts_.listener};
}

ImageIdentity Updater::identity() const {
  ImageIdentity image;
  memcpy(image.digest, token_.imageDigest, kSha256Size);
  image.size = header_.header().imageSize;
  image.genTime = token_.genTime;
  return image;
}

// An application is remembered first: one that boots without being expected could never raise the
// floor. It is confirmed when it runs; a filesystem, now that it lies there as it was signed.
Error Updater::activate() {
  if (staged_) {
    return parts_.floor->stage(identity()) == Error::None
               ? parts_.filesystem->copy(parts_.floor, desk())
               : Error::ActivateFailed;
  }
  if (kind_ == ImageKind::Application && parts_.floor->expect(kind_, identity()) != Error::None) {
    return Error::ActivateFailed;
  }
  SECUREOTA_TRY(parts_.sink->activate());
  return kind_ == ImageKind::Application ? Error::None
                                         : parts_.floor->confirm(kind_, token_.imageDigest);
}

}  // namespace secureota
