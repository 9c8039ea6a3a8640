// judge-manifest: what the device finds in images. Reads them from standard input, as many as there
// are, each preceded by its size in four octets, most significant first, and writes a line for
// each:
//
//     none
//     ManifestMalformed
//     app 1764000000 kitchen-lamp 1.2.3 revA,revB      (type, build time, product, version,
//     hardware)
//
// where "-" stands for a text that is empty. Exit 0, or 2 if the input is cut short.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "secureota/manifest.h"

namespace {

using namespace secureota;

std::string textOf(Bytes bytes) {
  return bytes.empty() ? "-" : std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

void show(const Manifest& manifest) {
  std::string hardware;
  for (size_t i = 0; i < manifest.hardwareCount; ++i) {
    hardware += (i == 0 ? "" : ",") + textOf(manifest.hardware[i]);
  }
  printf("%s %" PRIu64 " %s %s %s\n", manifest.kind == ImageKind::Application ? "app" : "fs",
         manifest.buildTime, textOf(manifest.product).c_str(), textOf(manifest.version).c_str(),
         hardware.empty() ? "-" : hardware.c_str());
}

void judge(Bytes image) {
  Manifest manifest;
  bool found = false;
  const Error error = findManifest(image, &manifest, &found);
  if (error != Error::None) {
    printf("%s\n", errorName(error));
  } else if (found) {
    show(manifest);
  } else {
    printf("none\n");
  }
}

}  // namespace

int main() {
  uint8_t prefix[4];
  size_t taken;
  while ((taken = fread(prefix, 1, sizeof prefix, stdin)) == sizeof prefix) {
    const size_t size = static_cast<size_t>(prefix[0]) << 24 |
                        static_cast<size_t>(prefix[1]) << 16 | static_cast<size_t>(prefix[2]) << 8 |
                        prefix[3];
    // Of exactly the image's size, so that a sanitizer sees any read beyond it.
    uint8_t* const image = static_cast<uint8_t*>(malloc(size == 0 ? 1 : size));
    const bool whole = image != nullptr && fread(image, 1, size, stdin) == size;
    if (whole) {
      judge(Bytes(image, size));
    }
    free(image);
    if (!whole) {
      return 2;
    }
  }
  return taken == 0 ? 0 : 2;
}
