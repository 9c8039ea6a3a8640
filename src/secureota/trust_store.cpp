#include "certificate.h"
#include "verifier.h"

namespace secureota {

Error TrustStore::add(Bytes certificateDer) {
  if (count_ == kMaxAnchors) {
    return Error::OutOfMemory;
  }
  Certificate certificate;
  Extensions extensions;
  KeyFamily family;
  SECUREOTA_TRY(checkDer(certificateDer));
  SECUREOTA_TRY(parseCertificate(certificateDer, &certificate));
  SECUREOTA_TRY(parseExtensions(certificate, &extensions));
  SECUREOTA_TRY(keyFamily(certificate.subjectPublicKeyInfo, &family));
  TrustAnchor& anchor = anchors_[count_++];
  anchor.certificate = certificateDer;
  anchor.subject = certificate.subject;
  anchor.subjectPublicKeyInfo = certificate.subjectPublicKeyInfo;
  anchor.mayIssue = extensions.isCa && (!extensions.hasKeyUsage ||
                                        (extensions.keyUsage & key_usage::kKeyCertSign) != 0);
  anchor.pathLen = extensions.pathLen;
  return Error::None;
}

Error TrustStore::addAll(Bytes certificatesDer) {
  DerReader reader(certificatesDer);
  while (!reader.atEnd()) {
    Bytes certificate;
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &certificate));
    SECUREOTA_TRY(add(certificate));
  }
  return Error::None;
}

}  // namespace secureota
