// The manifest: 256 bytes inside the signed image that say what it is (docs/format.md, section 8).
//
//     offset  size
//          0     8  "SOTAinfo"
//          8     1  format version: 1
//          9     1  type: 1 application, 2 filesystem
//         10     6  zero
//         16     8  build time, seconds since 1970; 0: not known
//         24    32  product; empty: any
//         56    48  version; empty: not said
//        104   128  hardware revisions, 8 of 16 bytes each; all empty: any
//        232    24  zero
//
// Takes every decision that platformio_secureota/manifest.py takes, byte for byte.
#pragma once

#include "bytes.h"
#include "error.h"
#include "image_sink.h"

namespace secureota {

const size_t kManifestSize = 256;
const size_t kMaxRevisions = 8;

// Where an ESP32 application carries it: behind image header (24 bytes), segment header (8) and app
// description (256). Any other image carries it as its last bytes.
const size_t kManifestOffset = 288;

// Bytes at the front of an image that tell whether it is an ESP32 application, and hold its
// manifest then.
const size_t kFrontSize = kManifestOffset + kManifestSize;

// Views into the bytes that it was parsed from.
struct Manifest {
  ImageKind kind;
  uint64_t buildTime;  // seconds since 1970, UTC; 0: not known
  Bytes product;       // empty: any
  Bytes version;       // empty: not said
  Bytes hardware[kMaxRevisions];
  size_t hardwareCount;  // 0: any

  Manifest() : kind(ImageKind::Application), buildTime(0), hardwareCount(0) {}
};

// Is there a manifest at all? Only then may parseManifest be asked.
bool isManifest(Bytes bytes);

// Reads kManifestSize bytes. ManifestMalformed for whatever the table does not allow.
SECUREOTA_NODISCARD Error parseManifest(Bytes bytes, Manifest* out);

// Letters, digits and `. _ + -`, at most `capacity` of them: a product, a hardware revision.
bool isManifestName(Bytes text, size_t capacity);
const size_t kMaxProductSize = 32;
const size_t kMaxVersionSize = 48;
const size_t kMaxRevisionSize = 16;

// Does an image that begins so have an app description?
bool isEsp32Application(Bytes front);

// Finds the manifest in a whole image, or in the front of an ESP32 application. `found` says
// whether there is one; `out` is untouched if not. ManifestMalformed.
SECUREOTA_NODISCARD Error findManifest(Bytes image, Manifest* out, bool* found);

// May the device take an image of this manifest (null: it has none), which was announced as this
// kind? `own` is the device's manifest; null: none. ManifestMissing, ImageKindMismatch,
// WrongProduct, WrongHardware.
SECUREOTA_NODISCARD Error checkManifest(const Manifest* image, ImageKind kind, const Manifest* own);

}  // namespace secureota
