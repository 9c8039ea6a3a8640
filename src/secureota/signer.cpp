#include "signer.h"

#include "oid.h"

namespace secureota {
namespace {

Error isBound(const Certificate& certificate, const Binding& binding, bool* out) {
  *out = true;
  if (!binding.present) {
    return Error::None;
  }
  uint8_t hash[kMaxDigestSize];
  SECUREOTA_TRY(digest(binding.digest, certificate.der, hash));
  const EssCertId& ess = binding.ess;
  *out = ess.certificateDigest == Bytes(hash, digestSize(binding.digest)) &&
         (!ess.hasIssuerSerial ||
          (ess.issuer == certificate.issuer && ess.serial == certificate.serial));
  return Error::None;
}

Error considerSigner(Bytes der, const SignerInfo& info, const Bindings& bindings, bool* byName,
                     bool* found, Certificate* out) {
  Certificate candidate;
  SECUREOTA_TRY(parseCertificate(der, &candidate));
  if (candidate.issuer != info.issuer || candidate.serial != info.serial) {
    return Error::None;
  }
  *byName = true;
  bool v1 = false;
  bool v2 = false;
  SECUREOTA_TRY(isBound(candidate, bindings.v2, &v2));
  SECUREOTA_TRY(isBound(candidate, bindings.v1, &v1));
  *found = v1 && v2;
  if (*found) {
    *out = candidate;
  }
  return Error::None;
}

}  // namespace

Error readBindings(const SignedAttributes& attributes, bool requireV2, Bindings* out) {
  Bindings found;
  if (!attributes.signingCertificateV2.empty()) {
    Binding& v2 = found.v2;
    SECUREOTA_TRY(parseSigningCertificate(attributes.signingCertificateV2, true, &v2.ess));
    v2.digest = DigestAlgorithm::Sha256;
    if (v2.ess.hasAlgorithm) {
      SECUREOTA_TRY(digestAlgorithm(v2.ess.algorithm, &v2.digest));
    }
    v2.present = true;
  }
  if (!attributes.signingCertificate.empty()) {
    Binding& v1 = found.v1;
    SECUREOTA_TRY(parseSigningCertificate(attributes.signingCertificate, false, &v1.ess));
    v1.digest = DigestAlgorithm::Sha1;
    v1.present = true;
  }
  if (!found.v1.present && !found.v2.present) {
    return Error::NoSigningCertificate;
  }
  if (!found.v2.present && requireV2) {
    return Error::SigningCertificateV2Required;
  }
  *out = found;
  return Error::None;
}

Error findSigner(const SignerInfo& info, const Bindings& bindings, Bytes bag,
                 const TrustStore& anchors, Signer* out) {
  bool byName = false;
  bool found = false;
  for (size_t i = 0; i < anchors.count(); ++i) {
    SECUREOTA_TRY(
        considerSigner(anchors[i].certificate, info, bindings, &byName, &found, &out->certificate));
    if (found) {
      out->isAnchor = true;
      return Error::None;
    }
  }
  for (DerReader reader(bag); !reader.atEnd();) {
    Bytes der;
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
    SECUREOTA_TRY(considerSigner(der, info, bindings, &byName, &found, &out->certificate));
    if (found) {
      out->isAnchor = false;
      return Error::None;
    }
  }
  return byName ? Error::SigningCertificateMismatch : Error::SignerNotFound;
}

bool isNameOf(Bytes name, const Certificate& signer, const Extensions& extensions) {
  if (isValue(name, tag::contextConstructed(4), signer.subject)) {
    return true;
  }
  DerReader names(extensions.alternativeNames);
  while (!names.atEnd()) {
    Bytes whole;
    if (names.readAny(&whole) != Error::None) {
      return false;
    }
    if (whole == name) {
      return true;
    }
  }
  return false;
}

Error checkSigner(const Extensions& extensions) {
  if (extensions.unknownCritical) {
    return Error::CertificateExtensionUnknown;
  }
  DerReader purposes(extensions.extendedKeyUsage);
  Bytes purpose;
  if (purposes.read(tag::kObjectIdentifier, &purpose) != Error::None ||
      purpose != oid::timeStamping || !purposes.atEnd() || !extensions.extendedKeyUsageCritical) {
    return Error::WrongPurpose;
  }
  const uint8_t allowed = key_usage::kDigitalSignature | key_usage::kNonRepudiation;
  if (extensions.hasKeyUsage &&
      (extensions.keyUsage == 0 || (extensions.keyUsage & ~allowed) != 0)) {
    return Error::WrongKeyUsage;
  }
  return extensions.isCa ? Error::SignerIsCa : Error::None;
}

}  // namespace secureota
