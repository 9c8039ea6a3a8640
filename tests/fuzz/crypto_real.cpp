#include "crypto_mode.h"

namespace fuzz {

bool cryptoIsStub() {
  return false;
}

void forgeSignature(secureota::Bytes messageDigest, uint8_t* signature, size_t size) {
  (void)messageDigest;
  (void)signature;
  (void)size;
}

}  // namespace fuzz
