#include "image_judge.h"

#include "text.h"

namespace secureota {

Error checkHints(const ContainerHeader& header, ImageKind kind, const Manifest* own) {
  const char* const other = kind == ImageKind::Application ? "fs" : "app";
  if (header.kind == asBytes(other)) {
    return Error::ImageKindMismatch;
  }
  const bool both = own != nullptr && !own->product.empty() && !header.product.empty();
  return both && header.product != own->product ? Error::WrongProduct : Error::None;
}

ImageJudge::ImageJudge()
    : kind_(ImageKind::Application),
      size_(0),
      own_(nullptr),
      front_(nullptr),
      frontTaken_(0),
      judged_(false),
      passed_(0) {}

void ImageJudge::begin(ImageKind kind, uint32_t size, const Manifest* own, uint8_t* front) {
  kind_ = kind;
  size_ = size;
  own_ = own;
  front_ = front;
  frontTaken_ = 0;
  judged_ = false;
  passed_ = 0;
}

uint32_t ImageJudge::storedSize() const {
  return kind_ == ImageKind::Filesystem && hasEnd() ? size_ - uint32_t(kManifestSize) : size_;
}

bool ImageJudge::takeFront(Bytes* rest) {
  const uint32_t missing = frontSize() - frontTaken_;
  const size_t taken = rest->size < missing ? rest->size : missing;
  memcpy(front_ + frontTaken_, rest->data, taken);
  frontTaken_ += static_cast<uint32_t>(taken);
  *rest = Bytes(rest->data + taken, rest->size - taken);
  return frontTaken_ == frontSize();
}

Error ImageJudge::judgeFront() {
  judged_ = isEsp32Application(front()) || !hasEnd();
  return judged_ ? judge(front()) : Error::None;
}

Bytes ImageJudge::pass(Bytes piece) {
  const uint32_t at = passed_;
  passed_ += static_cast<uint32_t>(piece.size);
  const uint32_t endAt = hasEnd() ? size_ - uint32_t(kManifestSize) : size_;
  if (passed_ > endAt) {
    const size_t before = at < endAt ? endAt - at : 0;
    memcpy(end_ + (at + before - endAt), piece.data + before, piece.size - before);
  }
  const uint32_t stored = storedSize();
  const size_t left = at < stored ? stored - at : 0;
  return Bytes(piece.data, piece.size < left ? piece.size : left);
}

Error ImageJudge::judgeEnd() const {
  return judged_ ? Error::None : judge(Bytes(end_, kManifestSize));
}

Bytes ImageJudge::heldBack() const {
  return Bytes(end_, size_ - storedSize());
}

Error ImageJudge::judge(Bytes image) const {
  Manifest manifest;
  bool found = false;
  SECUREOTA_TRY(findManifest(image, &manifest, &found));
  return checkManifest(found ? &manifest : nullptr, kind_, own_);
}

}  // namespace secureota
