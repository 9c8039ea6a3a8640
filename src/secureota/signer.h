// Who signed: the certificate that the token names and binds (checks 13, 16, 19, 30).
#pragma once

#include "certificate.h"
#include "signed_attributes.h"
#include "verifier.h"

namespace secureota {

// One attribute that says which certificate signs.
struct Binding {
  Binding() : present(false), digest(DigestAlgorithm::Sha256) {}

  bool present;
  DigestAlgorithm digest;
  EssCertId ess;
};

struct Bindings {
  Binding v1;
  Binding v2;
};

// What the attributes bind, not compared with anything yet. NoSigningCertificate,
// SigningCertificateV2Required, AlgorithmNotAllowed, NotDer, Malformed.
SECUREOTA_NODISCARD Error readBindings(const SignedAttributes& attributes, bool requireV2,
                                       Bindings* out);

struct Signer {
  Signer() : isAnchor(false) {}

  Certificate certificate;
  bool isAnchor;
};

// The certificate that SignerInfo names and the attributes bind, among the anchors first: a signer
// that is one needs no path, and need not travel with the token. SignerNotFound,
// SigningCertificateMismatch.
SECUREOTA_NODISCARD Error findSigner(const SignerInfo& info, const Bindings& bindings, Bytes bag,
                                     const TrustStore& anchors, Signer* out);

// Whether a GeneralName is one of the subject names in the certificate (RFC 3161 2.4.2).
bool isNameOf(Bytes name, const Certificate& signer, const Extensions& extensions);

// Whether the certificate is for time-stamping alone, and no authority's.
// CertificateExtensionUnknown, WrongPurpose, WrongKeyUsage, SignerIsCa.
SECUREOTA_NODISCARD Error checkSigner(const Extensions& extensions);

}  // namespace secureota
