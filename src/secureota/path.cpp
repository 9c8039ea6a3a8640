#include "path.h"

#include "oid.h"

namespace secureota {
namespace {

const int kNoLimit = Extensions::kNoPathLen;

Error checkValidity(const Certificate& certificate, const PathRules& rules) {
  return certificate.notBefore <= rules.genTime && rules.genTime <= certificate.notAfter
             ? Error::None
             : Error::CertificateNotValidAtGenTime;
}

Error checkDenied(Bytes subjectPublicKeyInfo, const PathRules& rules) {
  if (rules.rules->deniedCount == 0) {
    return Error::None;
  }
  uint8_t hash[kSha256Size];
  SECUREOTA_TRY(digest(DigestAlgorithm::Sha256, subjectPublicKeyInfo, hash));
  for (size_t i = 0; i < rules.rules->deniedCount; ++i) {
    if (memcmp(rules.rules->denied[i], hash, sizeof hash) == 0) {
      return Error::Denied;
    }
  }
  return Error::None;
}

Error checkPolicy(const Extensions& extensions, const PathRules& rules, bool absentIsAny) {
  if (rules.policy.empty() || (!extensions.hasPolicies && absentIsAny)) {
    return Error::None;
  }
  return assertsPolicy(extensions.policies, rules.policy) ? Error::None : Error::PolicyNotAccepted;
}

bool allowsTimeStamping(Bytes extendedKeyUsage) {
  DerReader purposes(extendedKeyUsage);
  Bytes purpose;
  while (!purposes.atEnd() && purposes.read(tag::kObjectIdentifier, &purpose) == Error::None) {
    if (purpose == oid::timeStamping || purpose == oid::anyExtendedKeyUsage) {
      return true;
    }
  }
  return false;
}

// 18: an authority below the anchor
Error checkAuthority(const Extensions& extensions) {
  if (extensions.unknownCritical) {
    return Error::CertificateExtensionUnknown;
  }
  if (!extensions.isCa) {
    return Error::CertificateNotCa;
  }
  if (extensions.hasKeyUsage && (extensions.keyUsage & key_usage::kKeyCertSign) == 0) {
    return Error::WrongKeyUsage;
  }
  // An authority that is meant for other purposes alone does not make timestamp signers.
  if (!extensions.extendedKeyUsage.empty() && !allowsTimeStamping(extensions.extendedKeyUsage)) {
    return Error::WrongPurpose;
  }
  return Error::None;
}

class Search {
 public:
  Search(const Certificate& signer, const Extensions& extensions, Bytes bag,
         const TrustStore& anchors, const PathRules& rules)
      : signer_(signer),
        extensions_(extensions),
        bag_(bag),
        anchors_(anchors),
        rules_(rules),
        length_(0),
        steps_(0),
        signatureChecks_(0),
        firstFailure_(Error::None) {}

  // Depth first: anchors that could have issued the chain's last certificate, then candidates.
  Error run() {
    bool good = false;
    SECUREOTA_TRY(append(signer_, &good));
    while (!good && length_ > 0) {
      Certificate candidate;
      bool found = false;
      SECUREOTA_TRY(nextCandidate(&candidate, &found));
      if (!found) {
        --length_;
        continue;
      }
      SECUREOTA_TRY(countStep());
      if (length_ > kMaxAuthorities) {
        noteFailure(Error::PathTooLong);
        continue;
      }
      SECUREOTA_TRY(append(candidate, &good));
    }
    if (good) {
      return Error::None;
    }
    return firstFailure_ != Error::None ? firstFailure_ : Error::NotTrusted;
  }

 private:
  Search(const Search&);
  Search& operator=(const Search&);

  // One level of the chain: a certificate, whose name its issuer must have, and where in the bag
  // the search for that issuer stands.
  struct Level {
    Bytes certificate;
    Bytes issuer;
    Bytes rest;
  };

  Error append(const Certificate& certificate, bool* good) {
    Level& level = chain_[length_++];
    level.certificate = certificate.der;
    level.issuer = certificate.issuer;
    level.rest = bag_;
    for (size_t i = 0; i < anchors_.count() && !*good; ++i) {
      if (anchors_[i].subject == level.issuer) {
        SECUREOTA_TRY(countStep());
        SECUREOTA_TRY(judge(anchors_[i], good));
      }
    }
    return Error::None;
  }

  Error nextCandidate(Certificate* candidate, bool* found) {
    Level& last = chain_[length_ - 1];
    while (!last.rest.empty()) {
      DerReader reader(last.rest);
      Bytes der;
      SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
      last.rest = Bytes(last.rest.data + der.size, last.rest.size - der.size);
      SECUREOTA_TRY(parseCertificate(der, candidate));
      if (candidate->subject == last.issuer && !isInChain(der)) {
        *found = true;
        return Error::None;
      }
    }
    return Error::None;
  }

  bool isInChain(Bytes der) const {
    for (size_t i = 0; i < length_; ++i) {
      if (chain_[i].certificate == der) {
        return true;
      }
    }
    return false;
  }

  Error countStep() {
    if (steps_ == kMaxPathSteps) {
      return Error::TooMuchWork;
    }
    ++steps_;
    return Error::None;
  }

  void noteFailure(Error failure) {
    if (firstFailure_ == Error::None) {
      firstFailure_ = failure;
    }
  }

  Error judge(const TrustAnchor& anchor, bool* good) {
    Error failure = checkFields(anchor);
    if (failure == Error::None) {
      failure = checkSignatures(anchor);
    }
    // What another chain can't mend ends the search.
    if (failure == Error::TooMuchWork || failure == Error::OutOfMemory) {
      return failure;
    }
    *good = failure == Error::None;
    if (!*good) {
      noteFailure(failure);
    }
    return Error::None;
  }

  Error checkFields(const TrustAnchor& anchor) {
    // 18: the anchor itself. Its dates and its own signature do not count (RFC 5280 6.1.1).
    if (!anchor.mayIssue) {
      return Error::CertificateNotCa;
    }
    SECUREOTA_TRY(checkDenied(anchor.subjectPublicKeyInfo, rules_));
    int mayFollow = anchor.pathLen;
    for (size_t i = length_; i-- > 1;) {
      SECUREOTA_TRY(checkAuthorityFields(chain_[i].certificate, &mayFollow));
    }
    return checkReachedSigner(signer_, extensions_, rules_);
  }

  Error checkAuthorityFields(Bytes der, int* mayFollow) {
    Certificate authority;
    Extensions extensions;
    SECUREOTA_TRY(parseCertificate(der, &authority));
    SECUREOTA_TRY(parseExtensions(authority, &extensions));
    SECUREOTA_TRY(checkAuthority(extensions));
    // RFC 5280 6.1.4 (l), (m): self-issued certificates (a new key) do not count.
    if (*mayFollow != kNoLimit && !authority.isSelfIssued()) {
      if (*mayFollow == 0) {
        return Error::PathTooLong;
      }
      --*mayFollow;
    }
    if (extensions.pathLen != kNoLimit &&
        (*mayFollow == kNoLimit || extensions.pathLen < *mayFollow)) {
      *mayFollow = extensions.pathLen;
    }
    SECUREOTA_TRY(checkValidity(authority, rules_));                     // 20
    SECUREOTA_TRY(checkDenied(authority.subjectPublicKeyInfo, rules_));  // 31
    return checkPolicy(extensions, rules_, true);                        // 23
  }

  Error checkSignatures(const TrustAnchor& anchor) {
    Bytes issuerKey = anchor.subjectPublicKeyInfo;
    for (size_t i = length_; i-- > 0;) {
      Certificate certificate;
      SECUREOTA_TRY(parseCertificate(chain_[i].certificate, &certificate));
      SECUREOTA_TRY(checkSignature(certificate, issuerKey));
      issuerKey = certificate.subjectPublicKeyInfo;
    }
    return Error::None;
  }

  Error checkSignature(const Certificate& certificate, Bytes issuerKey) {
    SignatureAlgorithm algorithm;
    SECUREOTA_TRY(signatureAlgorithm(certificate.outerAlgorithm, &algorithm));
    if (!(certificate.innerAlgorithm == certificate.outerAlgorithm)) {
      return Error::AlgorithmMismatch;
    }
    KeyFamily family;
    SECUREOTA_TRY(keyFamily(issuerKey, &family));
    if (family != algorithm.family) {
      return Error::AlgorithmMismatch;
    }
    if (signatureChecks_ == kMaxSignatureChecks) {
      return Error::TooMuchWork;
    }
    ++signatureChecks_;
    uint8_t hash[kMaxDigestSize];
    SECUREOTA_TRY(digest(algorithm.digest, certificate.tbs, hash));
    const Error result =
        verifySignature(issuerKey, algorithm.digest, Bytes(hash, digestSize(algorithm.digest)),
                        certificate.signature);
    return result == Error::SignatureInvalid ? Error::CertificateSignatureInvalid : result;
  }

  const Certificate& signer_;
  const Extensions& extensions_;
  const Bytes bag_;
  const TrustStore& anchors_;
  const PathRules& rules_;
  Level chain_[1 + kMaxAuthorities];
  size_t length_;
  unsigned steps_;
  unsigned signatureChecks_;
  Error firstFailure_;
};

}  // namespace

Error findPath(const Certificate& signer, const Extensions& extensions, Bytes bag,
               const TrustStore& anchors, const PathRules& rules) {
  return Search(signer, extensions, bag, anchors, rules).run();
}

Error checkReachedSigner(const Certificate& signer, const Extensions& extensions,
                         const PathRules& rules) {
  SECUREOTA_TRY(checkValidity(signer, rules));
  SECUREOTA_TRY(checkDenied(signer.subjectPublicKeyInfo, rules));
  return checkPolicy(extensions, rules, false);
}

}  // namespace secureota
