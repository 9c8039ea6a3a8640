// The bytes of an UpdateRecord (floor.h has the layout).
#include "floor.h"

namespace secureota {
namespace {

const uint8_t kMagic[] = {'S', 'O', 'T', 'A'};
const uint8_t kVersion = 2;
const uint8_t kLeft = 1;
const uint8_t kStaged = 2;
const size_t kCheckSize = 4;
const size_t kSteppedBytes = UpdateRecord::kStepped * UpdateRecord::kSteppedSize;

// Version 1 had one floor, for applications, and their two images.
const size_t kRecordSize1 = 4 + 1 + 8 + 2 * (kSha256Size + 4 + 8) + kCheckSize;

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

void putKind(const KindRecord& kind, uint8_t** at) {
  putNumber(static_cast<uint64_t>(kind.floor), 8, at);
  putImage(kind.confirmed, at);
  putImage(kind.pending, at);
}

void takeKind(KindRecord* kind, const uint8_t** at) {
  kind->floor = static_cast<Time>(takeNumber(8, at));
  takeImage(&kind->confirmed, at);
  takeImage(&kind->pending, at);
}

bool isWhole(Bytes bytes) {
  uint8_t check[kSha256Size];
  const Bytes checked(bytes.data, bytes.size - kCheckSize);
  return digest(DigestAlgorithm::Sha256, checked, check) == Error::None &&
         memcmp(check, bytes.data + checked.size, kCheckSize) == 0;
}

}  // namespace

Error encodeRecord(const UpdateRecord& record, uint8_t out[kRecordSize]) {
  uint8_t bytes[kRecordSize];
  uint8_t* at = bytes;
  memcpy(at, kMagic, sizeof kMagic);
  at += sizeof kMagic;
  *at++ = kVersion;
  putKind(record.application, &at);
  putKind(record.filesystem, &at);
  *at++ = static_cast<uint8_t>((record.left == Error::None ? 0 : kLeft) |
                               (record.staged ? kStaged : 0));
  memcpy(at, record.stepped, kSteppedBytes);
  at += kSteppedBytes;
  uint8_t check[kSha256Size];
  SECUREOTA_TRY(digest(DigestAlgorithm::Sha256, Bytes(bytes, kRecordSize - kCheckSize), check));
  memcpy(at, check, kCheckSize);
  memcpy(out, bytes, kRecordSize);
  return Error::None;
}

bool decodeRecord(Bytes bytes, UpdateRecord* out) {
  if (bytes.size <= sizeof kMagic || memcmp(bytes.data, kMagic, sizeof kMagic) != 0) {
    return false;
  }
  const uint8_t version = bytes.data[sizeof kMagic];
  const size_t size = version == 1 ? kRecordSize1 : kRecordSize;
  if ((version != 1 && version != kVersion) || bytes.size != size || !isWhole(bytes)) {
    return false;
  }
  UpdateRecord record;
  const uint8_t* at = bytes.data + sizeof kMagic + 1;
  takeKind(&record.application, &at);
  if (version != 1) {
    takeKind(&record.filesystem, &at);
    record.left = (*at & kLeft) == 0 ? Error::None : Error::ImageRejected;
    record.staged = (*at++ & kStaged) != 0;
    memcpy(record.stepped, at, kSteppedBytes);
  }
  *out = record;
  return true;
}

}  // namespace secureota
