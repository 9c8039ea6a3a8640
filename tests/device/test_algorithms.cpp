// Public keys that are none.
#include "../fuzz/seeds.h"
#include "pretend.h"
#include "secureota/certificate.h"

using pretend::Buffer;
using secureota::Bytes;
using secureota::Certificate;
using secureota::Error;
using secureota::KeyFamily;

namespace {

// The SubjectPublicKeyInfo of an RSA-2048 certificate.
Buffer rsaKey() {
  Certificate certificate = Certificate();
  CHECK_ERROR(parseCertificate(Bytes(kRsaAnchor, sizeof kRsaAnchor), &certificate), Error::None);
  const Bytes key = certificate.subjectPublicKeyInfo;
  return Buffer(key.data, key.data + key.size);
}

void anEvenModulusIsNone() {
  KeyFamily family;
  Buffer key = rsaKey();
  CHECK_ERROR(keyFamily(pretend::bytesOf(key), &family), Error::None);
  const size_t exponentSize = 5;  // INTEGER 65537, the last thing in there
  key[key.size() - exponentSize - 1] ^= 1;
  CHECK_ERROR(keyFamily(pretend::bytesOf(key), &family), Error::KeyNotAllowed);
}

}  // namespace

int main() {
  anEvenModulusIsNone();
  return secureota_test::report();
}
