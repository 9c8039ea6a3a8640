// Responses and tokens of RFC 3161, taken apart.
//
// Each function reads one structure, which checkDer() has seen, and says what is there, in the
// order of the ASN.1. The verifier calls them one by one and decides in between, so that what is
// wrong is named for what it is. The host's half: platformio_secureota/timestamp.py.
#pragma once

#include "algorithms.h"

namespace secureota {

// Certificates that a token may carry; real ones carry up to 4.
const size_t kMaxCertificates = 16;

// Signed attributes; real tokens have 4 to 6.
const size_t kMaxAttributes = 16;

// TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL } (2.4.2)
struct TimeStampResp {
  TimeStampResp();
  Bytes status;  // contents of the INTEGER
  bool hasFailInfo;
  bool hasToken;
  Bytes token;  // ContentInfo, as encoded
};
SECUREOTA_NODISCARD Error parseResponse(Bytes der, TimeStampResp* out);

// ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT } (RFC 5652 3)
struct ContentInfo {
  Bytes contentType;  // contents of the OBJECT IDENTIFIER
  Bytes content;      // as encoded
};
SECUREOTA_NODISCARD Error parseContentInfo(Bytes token, ContentInfo* out);

// SignedData ::= SEQUENCE { version, digestAlgorithms, encapContentInfo, [0], [1], signerInfos }
// (RFC 5652 5.1)
struct SignedData {
  SignedData();
  Bytes version;           // contents of the INTEGER
  Bytes digestAlgorithms;  // contents of the SET OF AlgorithmIdentifier
  Bytes contentType;
  bool hasContent;
  Bytes content;       // eContent: what the OCTET STRING holds
  Bytes certificates;  // contents of the SET OF Certificate. Candidates, never anchors
  Bytes signerInfos;   // contents of the SET OF SignerInfo
};
SECUREOTA_NODISCARD Error parseSignedData(Bytes content, SignedData* out);

// SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, [0], signatureAlgorithm, signature, [1]
// } (RFC 5652 5.3)
struct SignerInfo {
  SignerInfo();
  Bytes version;  // contents of the INTEGER
  Bytes issuer;   // Name as encoded; empty where the signer is named in another way
  Bytes serial;
  AlgorithmIdentifier digestAlgorithm;
  Bytes signedAttributes;  // as encoded, tag [0] and all; empty where there are none
  AlgorithmIdentifier signatureAlgorithm;
  Bytes signature;
};
SECUREOTA_NODISCARD Error parseSignerInfo(Bytes der, SignerInfo* out);

// Attribute ::= SEQUENCE { attrType, attrValues SET OF } (RFC 5652 5.3)
struct Attribute {
  Bytes type;
  Bytes values;  // contents of the SET
};
SECUREOTA_NODISCARD Error readAttribute(DerReader* reader, Attribute* out);

// The first ESSCertID (RFC 2634 5.4.1) or ESSCertIDv2 (RFC 5035 4) of an attribute.
struct EssCertId {
  EssCertId();
  bool hasAlgorithm;  // else: SHA-256 in version 2, SHA-1 in version 1
  AlgorithmIdentifier algorithm;
  Bytes certificateDigest;
  bool hasIssuerSerial;
  Bytes issuer;  // Name, as encoded
  Bytes serial;
};
// SigningCertificate ::= SEQUENCE { certs SEQUENCE OF ESSCertID, policies OPTIONAL }
SECUREOTA_NODISCARD Error parseSigningCertificate(Bytes value, bool isV2, EssCertId* out);

// TSTInfo (RFC 3161 2.4.2). INTEGERs by their contents; empty where they are absent.
struct TstInfo {
  TstInfo();
  Bytes version;
  Bytes policy;  // contents of the OBJECT IDENTIFIER
  AlgorithmIdentifier imprintAlgorithm;
  Bytes imprint;
  Bytes serial;
  Bytes genTime;  // contents of the GeneralizedTime
  Bytes accuracySeconds;
  Bytes accuracyMillis;
  Bytes accuracyMicros;
  Bytes tsa;             // GeneralName, as encoded; empty where absent
  bool unknownCritical;  // there is a critical extension. None is known, so each is unknown
};
// Parses the eContent of a token.
SECUREOTA_NODISCARD Error parseTstInfo(Bytes der, TstInfo* out);

}  // namespace secureota
