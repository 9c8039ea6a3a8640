#include "floor.h"

namespace secureota {

const ImageIdentity kNoImage = {{0}, 0, kNoTime};

KindRecord::KindRecord() : floor(kNoTime), confirmed(kNoImage), pending(kNoImage) {}

UpdateRecord::UpdateRecord() : left(Error::None), staged(false), stepped() {}

// True if it was needed.
static bool seed(Time buildTime, KindRecord* kind) {
  if (kind->floor != kNoTime || buildTime == kNoTime) {
    return false;
  }
  kind->floor = buildTime;
  return true;
}

void Floor::setMaxRise(uint32_t days) {
  const uint32_t bounded = days < 1 ? 1 : days > 36500 ? 36500 : days;
  maxRise_ = static_cast<Time>(bounded) * 24 * 60 * 60 * kSecond;
}

Error Floor::begin(RecordStore* store, Time buildTime) {
  store_ = store;
  uint8_t bytes[kRecordSize + 1];  // one more, to see that a record is too long
  const size_t size = store->load(bytes, sizeof bytes);
  record_ = UpdateRecord();
  (void)decodeRecord(Bytes(bytes, size), &record_);
  const bool application = seed(buildTime, &record_.application);
  const bool filesystem = seed(buildTime, &record_.filesystem);
  return application || filesystem ? save(record_) : Error::None;
}

Error Floor::expect(ImageKind kind, const ImageIdentity& image) {
  UpdateRecord next = record_;
  next.of(kind).pending = image;
  next.staged = false;  // the spare slot holds the application, or what is in it is out of date
  if (kind == ImageKind::Application) {
    next.left = Error::None;
  }
  return save(next);
}

Error Floor::stage(const ImageIdentity& image) {
  UpdateRecord next = record_;
  next.filesystem.pending = image;
  next.staged = true;
  return save(next);
}

Error Floor::dropStaged() {
  UpdateRecord next = record_;
  next.staged = false;
  return save(next);
}

Error Floor::confirm(ImageKind kind, const uint8_t digest[kSha256Size]) {
  const ImageIdentity& pending = record_.of(kind).pending;
  if (pending.size == 0 || memcmp(pending.digest, digest, kSha256Size) != 0) {
    return Error::None;
  }
  UpdateRecord next = record_;
  KindRecord& its = next.of(kind);
  its.floor = raised(its.floor, pending, &next);
  its.confirmed = pending;
  its.pending = kNoImage;
  if (kind == ImageKind::Application) {
    next.left = Error::None;
  } else {
    next.staged = false;
  }
  return save(next);
}

Error Floor::forgetFilesystem() {
  UpdateRecord next = record_;
  next.filesystem.confirmed = kNoImage;
  next.filesystem.pending = kNoImage;
  next.staged = false;
  return save(next);
}

Error Floor::reject() {
  UpdateRecord next = record_;
  next.left = Error::ImageRejected;
  return save(next);
}

// The step is taken once for each image: else two tokens from a wrong clock, installed in turns,
// would carry the floor as far as they like.
Time Floor::raised(Time floor, const ImageIdentity& image, UpdateRecord* record) const {
  if (floor == kNoTime || (image.genTime > floor && image.genTime - floor <= maxRise_)) {
    return image.genTime;
  }
  if (image.genTime <= floor) {
    return floor;
  }
  const size_t kept = UpdateRecord::kStepped - 1;
  for (const uint8_t(&each)[UpdateRecord::kSteppedSize] : record->stepped) {
    if (memcmp(each, image.digest, sizeof each) == 0) {
      return floor;
    }
  }
  memmove(record->stepped[0], record->stepped[1], kept * UpdateRecord::kSteppedSize);
  memcpy(record->stepped[kept], image.digest, UpdateRecord::kSteppedSize);
  return floor + maxRise_;
}

Error Floor::save(const UpdateRecord& record) {
  uint8_t bytes[kRecordSize];
  SECUREOTA_TRY(encodeRecord(record, bytes));
  SECUREOTA_TRY(store_->save(Bytes(bytes, kRecordSize)));
  record_ = record;
  return Error::None;
}

}  // namespace secureota
