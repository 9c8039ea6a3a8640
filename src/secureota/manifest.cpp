#include "manifest.h"

#include "reader.h"
#include "text.h"

namespace secureota {
namespace {

const char kMagic[] = "SOTAinfo";
const size_t kMagicSize = sizeof kMagic - 1;
const uint8_t kFormatVersion = 1;
const uint8_t kApplication = 1;
const uint8_t kFilesystem = 2;
const uint64_t kLatest = 253402300799U;  // 9999-12-31T23:59:59Z

const uint8_t kEsp32Image = 0xe9;
const size_t kAppDescriptionOffset = 32;
const uint8_t kAppDescription[] = {0x32, 0x54, 0xcd, 0xab};  // 0xabcd5432, lowest byte first

bool isZero(Bytes bytes) {
  for (size_t i = 0; i < bytes.size; ++i) {
    if (bytes.data[i] != 0) {
      return false;
    }
  }
  return true;
}

bool isNameCharacter(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
         c == '_' || c == '+' || c == '-';
}

bool isPrintable(Bytes text) {
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '!' || text.data[i] > '~') {
      return false;
    }
  }
  return true;
}

// What stands before the first zero byte; nothing but zeros may stand behind it.
bool takeText(Reader* reader, size_t size, Bytes* out) {
  Bytes field;
  if (!reader->take(size, &field)) {
    return false;
  }
  Bytes padding = field;
  *out = cut(&padding, 0);
  return isZero(padding);
}

bool takeName(Reader* reader, size_t size, Bytes* out) {
  return takeText(reader, size, out) && isManifestName(*out, size);
}

bool takeZeros(Reader* reader, size_t size) {
  Bytes zeros;
  return reader->take(size, &zeros) && isZero(zeros);
}

bool takeKind(Reader* reader, ImageKind* out) {
  Bytes type;
  if (!reader->take(1, &type) || (type.data[0] != kApplication && type.data[0] != kFilesystem)) {
    return false;
  }
  *out = type.data[0] == kApplication ? ImageKind::Application : ImageKind::Filesystem;
  return true;
}

bool takeTime(Reader* reader, uint64_t* out) {
  Bytes number;
  if (!reader->take(8, &number)) {
    return false;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < number.size; ++i) {
    value = value << 8 | number.data[i];
  }
  *out = value;
  return value <= kLatest;
}

bool contains(const Manifest& manifest, Bytes revision) {
  for (size_t i = 0; i < manifest.hardwareCount; ++i) {
    if (manifest.hardware[i] == revision) {
      return true;
    }
  }
  return false;
}

// Used fields first, none twice.
bool takeHardware(Reader* reader, Manifest* out) {
  out->hardwareCount = 0;
  for (size_t i = 0; i < kMaxRevisions; ++i) {
    Bytes revision;
    if (!takeName(reader, kMaxRevisionSize, &revision)) {
      return false;
    }
    if (revision.empty()) {
      continue;
    }
    if (out->hardwareCount != i || contains(*out, revision)) {
      return false;
    }
    out->hardware[out->hardwareCount++] = revision;
  }
  return true;
}

bool takeAll(Reader* reader, Manifest* out) {
  Bytes magic;
  Bytes version;
  return reader->take(kMagicSize, &magic) && magic == asBytes(kMagic) &&
         reader->take(1, &version) && version.data[0] == kFormatVersion &&
         takeKind(reader, &out->kind) && takeZeros(reader, 6) &&
         takeTime(reader, &out->buildTime) && takeName(reader, kMaxProductSize, &out->product) &&
         takeText(reader, kMaxVersionSize, &out->version) && isPrintable(out->version) &&
         takeHardware(reader, out) && takeZeros(reader, 24) && reader->atEnd();
}

}  // namespace

bool isManifestName(Bytes text, size_t capacity) {
  for (size_t i = 0; i < text.size; ++i) {
    if (!isNameCharacter(text.data[i])) {
      return false;
    }
  }
  return text.size <= capacity;
}

bool isManifest(Bytes bytes) {
  return startsWith(bytes, kMagic);
}

Error parseManifest(Bytes bytes, Manifest* out) {
  Reader reader(bytes);
  Manifest manifest;
  if (!takeAll(&reader, &manifest)) {
    return Error::ManifestMalformed;
  }
  *out = manifest;
  return Error::None;
}

bool isEsp32Application(Bytes front) {
  const size_t end = kAppDescriptionOffset + sizeof kAppDescription;
  return front.size >= end && front.data[0] == kEsp32Image &&
         memcmp(front.data + kAppDescriptionOffset, kAppDescription, sizeof kAppDescription) == 0;
}

Error findManifest(Bytes image, Manifest* out, bool* found) {
  *found = false;
  const bool inside = isEsp32Application(image);
  if (image.size < (inside ? kManifestOffset : kManifestSize)) {
    return Error::None;
  }
  const size_t at = inside ? kManifestOffset : image.size - kManifestSize;
  const size_t left = image.size - at;
  const Bytes place(image.data + at, left < kManifestSize ? left : kManifestSize);
  if (!isManifest(place)) {
    return Error::None;
  }
  Manifest manifest;
  SECUREOTA_TRY(parseManifest(place, &manifest));
  if (inside && manifest.kind != ImageKind::Application) {
    return Error::ManifestMalformed;
  }
  *out = manifest;
  *found = true;
  return Error::None;
}

// In the order of docs/format.md, section 8.
Error checkManifest(const Manifest* image, ImageKind kind, const Manifest* own) {
  const bool hasProduct = own != nullptr && !own->product.empty();
  if (image == nullptr) {
    return kind == ImageKind::Filesystem || hasProduct ? Error::ManifestMissing : Error::None;
  }
  if (image->kind != kind) {
    return Error::ImageKindMismatch;
  }
  if (hasProduct && !image->product.empty() && image->product != own->product) {
    return Error::WrongProduct;
  }
  if (own != nullptr && image->hardwareCount != 0) {
    for (size_t i = 0; i < own->hardwareCount; ++i) {
      if (!contains(*image, own->hardware[i])) {
        return Error::WrongHardware;
      }
    }
  }
  return Error::None;
}

}  // namespace secureota
