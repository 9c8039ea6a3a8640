// What a device decides by manifests: the whole table of docs/format.md, section 8. How manifests
// are read is held to tests/vectors/manifests.json, by both languages.
#include <string>

#include "check.h"
#include "secureota/manifest.h"
#include "secureota/text.h"

using secureota::asBytes;
using secureota::checkManifest;
using secureota::Error;
using secureota::ImageKind;
using secureota::Manifest;

namespace {

const ImageKind kApp = ImageKind::Application;
const ImageKind kFs = ImageKind::Filesystem;

// Revisions are separated by commas.
Manifest manifest(ImageKind kind, const char* product, const char* hardware) {
  Manifest result;
  result.kind = kind;
  result.product = asBytes(product);
  secureota::Bytes rest = asBytes(hardware);
  while (!rest.empty()) {
    result.hardware[result.hardwareCount++] = secureota::cut(&rest, ',');
  }
  return result;
}

void wholeTable() {
  const struct {
    const char* product;  // the device's; null: it has no manifest
    const char* hardware;
    ImageKind kind;            // of the invitation
    ImageKind type;            // of the image
    const char* imageProduct;  // null: it has no manifest
    const char* imageHardware;
    Error error;
  } kCases[] = {
      // No manifest in the image.
      {nullptr, "", kApp, kApp, nullptr, "", Error::None},
      {"", "", kApp, kApp, nullptr, "", Error::None},
      {"", "revA", kApp, kApp, nullptr, "", Error::None},
      {"lamp", "", kApp, kApp, nullptr, "", Error::ManifestMissing},
      {nullptr, "", kFs, kFs, nullptr, "", Error::ManifestMissing},
      {"lamp", "", kFs, kFs, nullptr, "", Error::ManifestMissing},
      // Kinds.
      {nullptr, "", kApp, kApp, "", "", Error::None},
      {nullptr, "", kFs, kFs, "", "", Error::None},
      {nullptr, "", kApp, kFs, "", "", Error::ImageKindMismatch},
      {nullptr, "", kFs, kApp, "", "", Error::ImageKindMismatch},
      {"lamp", "revA", kFs, kApp, "heater", "revB", Error::ImageKindMismatch},
      // Products.
      {nullptr, "", kApp, kApp, "lamp", "revA", Error::None},
      {"", "", kApp, kApp, "lamp", "", Error::None},
      {"lamp", "", kApp, kApp, "", "", Error::None},
      {"lamp", "", kApp, kApp, "lamp", "", Error::None},
      {"lamp", "", kFs, kFs, "lamp", "", Error::None},
      {"lamp", "", kApp, kApp, "Lamp", "", Error::WrongProduct},
      {"lamp", "", kApp, kApp, "lamp2", "", Error::WrongProduct},
      {"lamp", "", kApp, kApp, "lam", "", Error::WrongProduct},
      {"lamp", "revA", kFs, kFs, "heater", "revB", Error::WrongProduct},
      // Hardware: an image has to be for all that the device may be.
      {"lamp", "", kApp, kApp, "lamp", "revA", Error::None},
      {"lamp", "revA", kApp, kApp, "lamp", "", Error::None},
      {"lamp", "revA", kApp, kApp, "lamp", "revA", Error::None},
      {"lamp", "revA", kApp, kApp, "lamp", "revB,revA", Error::None},
      {"lamp", "revA,revB", kApp, kApp, "lamp", "revB,revA", Error::None},
      {"lamp", "revA", kApp, kApp, "lamp", "revB", Error::WrongHardware},
      {"lamp", "revA,revB", kApp, kApp, "lamp", "revA", Error::WrongHardware},
      {"lamp", "revA", kApp, kApp, "lamp", "rev,revAA", Error::WrongHardware},
      {"", "revA", kFs, kFs, "lamp", "revB", Error::WrongHardware},
  };
  for (const auto& each : kCases) {
    const Manifest own = manifest(kApp, each.product == nullptr ? "" : each.product, each.hardware);
    const Manifest image = manifest(
        each.type, each.imageProduct == nullptr ? "" : each.imageProduct, each.imageHardware);
    CHECK_ERROR(checkManifest(each.imageProduct == nullptr ? nullptr : &image, each.kind,
                              each.product == nullptr ? nullptr : &own),
                each.error);
  }
}

void malformedLeavesTheOutputAlone() {
  uint8_t bytes[secureota::kManifestSize] = {'S', 'O', 'T', 'A', 'i', 'n', 'f', 'o', 1, 3};
  Manifest out;
  out.buildTime = 7;
  CHECK_ERROR(secureota::parseManifest(secureota::Bytes(bytes, sizeof bytes), &out),
              Error::ManifestMalformed);
  CHECK(out.buildTime == 7 && out.product.data == nullptr);
  bytes[9] = 2;
  CHECK_ERROR(secureota::parseManifest(secureota::Bytes(bytes, sizeof bytes), &out), Error::None);
  CHECK(out.buildTime == 0 && out.kind == kFs && out.product.empty() && out.hardwareCount == 0);
}

}  // namespace

int main() {
  wholeTable();
  malformedLeavesTheOutputAlone();
  return secureota_test::report();
}
