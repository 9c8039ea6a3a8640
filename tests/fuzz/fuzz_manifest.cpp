// Any bytes, taken for an image with a manifest.
//
// Promised of every input: a refusal leaves the result alone; what is found lies inside the image
// and fits its fields; written down again it is the very bytes that were read; and a device that
// has just this manifest takes the image, while one of another product does not.

#include "property.h"
#include "secureota/manifest.h"
#include "secureota/text.h"
#include "world.h"

using fuzz::Buffer;
using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::Manifest;

namespace {

void put(Bytes text, size_t size, Buffer* out) {
  PROPERTY(text.size <= size, "a text fits its field");
  out->insert(out->end(), text.data, text.data + text.size);
  out->insert(out->end(), size - text.size, 0);
}

// docs/format.md, section 8, from the writer's side.
Buffer encode(const Manifest& manifest) {
  Buffer out;
  put(secureota::asBytes("SOTAinfo\x01"), 9, &out);
  out.push_back(manifest.kind == ImageKind::Application ? 1 : 2);
  out.insert(out.end(), 6, 0);
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(manifest.buildTime >> shift));
  }
  put(manifest.product, 32, &out);
  put(manifest.version, 48, &out);
  for (size_t i = 0; i < manifest.hardwareCount; ++i) {
    PROPERTY(!manifest.hardware[i].empty(), "a revision has a name");
    put(manifest.hardware[i], 16, &out);
  }
  out.resize(secureota::kManifestSize);
  return out;
}

bool contains(Bytes image, const Buffer& bytes) {
  const size_t size = bytes.size();
  const bool inside = isEsp32Application(image);
  const size_t at = inside ? secureota::kManifestOffset : image.size - size;
  return at <= image.size && size <= image.size - at &&
         memcmp(image.data + at, bytes.data(), size) == 0;
}

void fits(const Manifest& manifest) {
  PROPERTY(checkManifest(&manifest, manifest.kind, &manifest) == Error::None,
           "an image may replace itself");
  PROPERTY(checkManifest(&manifest, manifest.kind, nullptr) == Error::None,
           "a device that says nothing of itself takes any");
  const ImageKind other =
      manifest.kind == ImageKind::Application ? ImageKind::Filesystem : ImageKind::Application;
  PROPERTY(checkManifest(&manifest, other, nullptr) == Error::ImageKindMismatch,
           "one kind is not taken for the other");
  Manifest stranger;
  stranger.product = secureota::asBytes("?");  // no image can name it
  PROPERTY(checkManifest(&manifest, manifest.kind, &stranger) ==
               (manifest.product.empty() ? Error::None : Error::WrongProduct),
           "another product is refused");
  stranger.product = Bytes();
  stranger.hardware[stranger.hardwareCount++] = secureota::asBytes("?");
  PROPERTY(checkManifest(&manifest, manifest.kind, &stranger) ==
               (manifest.hardwareCount == 0 ? Error::None : Error::WrongHardware),
           "another revision is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes image(data, size);
  Manifest manifest;
  manifest.buildTime = UINT64_MAX;
  bool found = false;
  const Error error = findManifest(image, &manifest, &found);
  PROPERTY(error == Error::None || error == Error::ManifestMalformed, "there is one refusal");
  if (error != Error::None || !found) {
    PROPERTY(!found && manifest.buildTime == UINT64_MAX && manifest.product.data == nullptr,
             "a refusal leaves the result alone");
    return 0;
  }
  PROPERTY(contains(image, encode(manifest)), "what is read is what would be written");
  fits(manifest);
  return 0;
}
