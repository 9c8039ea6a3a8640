#include "floor.h"

namespace secureota {
namespace {

const uint8_t kMagicAndVersion[] = {'S', 'O', 'T', 'A', 1};
const size_t kCheckSize = 4;

void putNumber(uint64_t number, size_t size, uint8_t** at) {
  for (size_t i = 0; i < size; ++i) {
    (*at)[i] = static_cast<uint8_t>(number >> (8 * (size - 1 - i)));
  }
  *at += size;
}

uint64_t takeNumber(size_t size, const uint8_t** at) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; ++i) {
    number = number << 8 | (*at)[i];
  }
  *at += size;
  return number;
}

void putImage(const ImageIdentity& image, uint8_t** at) {
  memcpy(*at, image.digest, kSha256Size);
  *at += kSha256Size;
  putNumber(image.size, 4, at);
  putNumber(static_cast<uint64_t>(image.genTime), 8, at);
}

void takeImage(ImageIdentity* image, const uint8_t** at) {
  memcpy(image->digest, *at, kSha256Size);
  *at += kSha256Size;
  image->size = static_cast<uint32_t>(takeNumber(4, at));
  image->genTime = static_cast<Time>(takeNumber(8, at));
}

const ImageIdentity kNoImage = {{0}, 0, kNoTime};

}  // namespace

UpdateRecord::UpdateRecord() : floor(kNoTime), confirmed(kNoImage), pending(kNoImage) {}

Error encodeRecord(const UpdateRecord& record, uint8_t out[kRecordSize]) {
  uint8_t bytes[kRecordSize];
  uint8_t* at = bytes;
  memcpy(at, kMagicAndVersion, sizeof kMagicAndVersion);
  at += sizeof kMagicAndVersion;
  putNumber(static_cast<uint64_t>(record.floor), 8, &at);
  putImage(record.confirmed, &at);
  putImage(record.pending, &at);
  uint8_t check[kSha256Size];
  SECUREOTA_TRY(digest(DigestAlgorithm::Sha256, Bytes(bytes, kRecordSize - kCheckSize), check));
  memcpy(at, check, kCheckSize);
  memcpy(out, bytes, kRecordSize);
  return Error::None;
}

bool decodeRecord(Bytes bytes, UpdateRecord* out) {
  if (bytes.size != kRecordSize ||
      memcmp(bytes.data, kMagicAndVersion, sizeof kMagicAndVersion) != 0) {
    return false;
  }
  uint8_t check[kSha256Size];
  const Bytes checked(bytes.data, kRecordSize - kCheckSize);
  if (digest(DigestAlgorithm::Sha256, checked, check) != Error::None ||
      memcmp(check, bytes.data + checked.size, kCheckSize) != 0) {
    return false;
  }
  const uint8_t* at = bytes.data + sizeof kMagicAndVersion;
  out->floor = static_cast<Time>(takeNumber(8, &at));
  takeImage(&out->confirmed, &at);
  takeImage(&out->pending, &at);
  return true;
}

Error Floor::begin(RecordStore* store, Time buildTime) {
  store_ = store;
  uint8_t bytes[kRecordSize + 1];  // one more, to see that a record is too long
  const size_t size = store->load(bytes, sizeof bytes);
  record_ = UpdateRecord();
  (void)decodeRecord(Bytes(bytes, size), &record_);
  if (record_.floor != kNoTime || buildTime == kNoTime) {
    return Error::None;
  }
  record_.floor = buildTime;
  return save(record_);
}

Error Floor::expect(const ImageIdentity& image) {
  UpdateRecord next = record_;
  next.pending = image;
  return save(next);
}

Error Floor::confirm(const uint8_t runningDigest[kSha256Size]) {
  const ImageIdentity& pending = record_.pending;
  if (pending.size == 0 || memcmp(pending.digest, runningDigest, kSha256Size) != 0) {
    return Error::None;
  }
  UpdateRecord next = record_;
  next.confirmed = pending;
  next.pending = kNoImage;
  if (next.floor == kNoTime || next.floor < pending.genTime) {
    next.floor = pending.genTime;
  }
  return save(next);
}

Error Floor::save(const UpdateRecord& record) {
  uint8_t bytes[kRecordSize];
  SECUREOTA_TRY(encodeRecord(record, bytes));
  SECUREOTA_TRY(store_->save(Bytes(bytes, kRecordSize)));
  record_ = record;
  return Error::None;
}

}  // namespace secureota
