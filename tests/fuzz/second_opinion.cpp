#include "second_opinion.h"

#include <string>

#include "der_tree.h"
#include "property.h"
#include "secureota/crypto.h"
#include "secureota/timestamp.h"
#include "world.h"

namespace fuzz {
namespace {

using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Error;

typedef std::string Text;  // bytes that compare

const Text kSignedData("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 9);
const Text kTstInfo("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04", 11);
const Text kContentType("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03", 9);
const Text kMessageDigest("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04", 9);
const Text kSigningCertificate("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c", 11);
const Text kSigningCertificateV2("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f", 11);
const Text kSha2("\x60\x86\x48\x01\x65\x03\x04\x02", 8);
const Text kForTimeStampingAlone(
    "\x55\x1d\x25\x01\x01\xff\x04\x0c\x30\x0a\x06\x08"
    "\x2b\x06\x01\x05\x05\x07\x03\x08",
    20);

Text text(Bytes bytes) {
  return Text(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

Text hashOf(DigestAlgorithm algorithm, Bytes bytes) {
  uint8_t hash[secureota::kMaxDigestSize];
  PROPERTY(digest(algorithm, bytes, hash) == Error::None, "the harness has memory");
  return text(Bytes(hash, digestSize(algorithm)));
}

const Node& child(const Node& node, size_t index) {
  PROPERTY(index < node.children.size(), "an accepted token has all its parts");
  return node.children[index];
}

Node parseOne(Bytes bytes) {
  std::vector<Node> nodes;
  PROPERTY(parseTree(bytes, &nodes) && nodes.size() == 1, "what is accepted is one DER value");
  return nodes[0];
}

DigestAlgorithm digestOf(const Node& identifier) {
  const Text name = text(child(identifier, 0).contents);
  PROPERTY(name.size() == 9 && name.substr(0, 8) == kSha2, "digests are SHA-2");
  switch (name[8]) {
    case 1:
      return DigestAlgorithm::Sha256;
    case 2:
      return DigestAlgorithm::Sha384;
    default:
      PROPERTY(name[8] == 3, "digests are SHA-256, SHA-384 or SHA-512");
      return DigestAlgorithm::Sha512;
  }
}

// Fourteen digits that compare as times do.
Text digits(const Node& time) {
  const Text read = text(time.contents);
  const bool isUtcTime = time.tag == 0x17;
  return (isUtcTime ? (read[0] >= '5' ? "19" : "20") + read : read).substr(0, 14);
}

int number(const Text& digits, size_t at, size_t size) {
  return std::stoi(digits.substr(at, size));
}

// Days by counting, slowly: not the formula that the core has.
int64_t secondsOf(const Text& digits) {
  static const int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int wantedYear = number(digits, 0, 4);
  int64_t days = 0;
  const auto isLeap = [](int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  };
  for (int year = 1970; year < wantedYear; ++year) {
    days += isLeap(year) ? 366 : 365;
  }
  for (int year = wantedYear; year < 1970; ++year) {
    days -= isLeap(year) ? 366 : 365;
  }
  for (int month = 1; month < number(digits, 4, 2); ++month) {
    days += kDays[month - 1] + (month == 2 && isLeap(wantedYear) ? 1 : 0);
  }
  days += number(digits, 6, 2) - 1;
  return ((days * 24 + number(digits, 8, 2)) * 60 + number(digits, 10, 2)) * 60 +
         number(digits, 12, 2);
}

void agreeAboutContent(const Node& content, const secureota::VerifiedToken& verified) {
  const Node info = parseOne(content.contents);
  const Node& imprint = child(info, 2);
  PROPERTY(text(child(info, 0).contents) == Text(1, '\1'), "TSTInfo is version 1");
  PROPERTY(digestOf(child(imprint, 0)) == DigestAlgorithm::Sha256, "the imprint is SHA-256");
  PROPERTY(text(child(imprint, 1).contents) == text(Bytes(verified.imageDigest, 32)),
           "the verified digest is the token's imprint");
  const Text serial = text(child(info, 3).contents);
  PROPERTY(static_cast<uint8_t>(serial[0]) < 0x80 && serial.size() <= 21, "serial numbers are fit");
  const Text time = text(child(info, 4).contents);
  PROPERTY(time[time.size() - 1] == 'Z', "genTime is UTC");
  // 1 s is 1000000 us; what is left over is the fraction, never negative.
  const int64_t fraction = verified.genTime - secondsOf(time) * 1000000;
  PROPERTY(fraction >= 0 && fraction < 1000000, "the verified time is the token's");
}

// The certificate out of which the last key came.
Node signerCertificate(const Node* bag, Bytes key) {
  const auto holds = [key](Bytes der) {
    return key.data >= der.data && key.data < der.data + der.size;
  };
  if (bag != nullptr) {
    PROPERTY(bag->children.size() <= secureota::kMaxCertificates, "certificates are bounded");
    for (const Node& certificate : bag->children) {
      if (holds(certificate.whole)) {
        return certificate;
      }
    }
  }
  for (size_t i = 0; i < anchors().count(); ++i) {
    if (holds(anchors()[i].certificate)) {
      return parseOne(anchors()[i].certificate);
    }
  }
  PROPERTY(false, "the signer's key comes from the bag or from an anchor");
  return Node();
}

void agreeAboutSigner(const Node& certificate, const Node& signerId, const Node& content) {
  const Node& tbs = child(certificate, 0);  // [0] version, serial, algorithm, issuer, validity
  PROPERTY(text(child(tbs, 3).whole) == text(child(signerId, 0).whole) &&
               text(child(tbs, 1).whole) == text(child(signerId, 1).whole),
           "the signer is whom the SignerInfo names");
  PROPERTY(text(tbs.whole).find(kForTimeStampingAlone) != Text::npos,
           "the signer's certificate is for time-stamping alone");
  const Text time = digits(child(parseOne(content.contents), 4));
  const Node& validity = child(tbs, 4);
  PROPERTY(digits(child(validity, 0)) <= time && time <= digits(child(validity, 1)),
           "the signer's certificate was valid at genTime");
}

void agreeAboutAttributes(const Node& attributes, const Node& content, DigestAlgorithm algorithm,
                          const Node& certificate) {
  unsigned contentTypes = 0;
  unsigned digests = 0;
  unsigned bindings = 0;
  std::vector<Text> seen;
  for (const Node& attribute : attributes.children) {
    const Text name = text(child(attribute, 0).contents);
    const Node& value = child(child(attribute, 1), 0);
    PROPERTY(child(attribute, 1).children.size() == 1, "a signed attribute has one value");
    for (const Text& other : seen) {
      PROPERTY(other != name, "a signed attribute is there once");
    }
    seen.push_back(name);
    if (name == kContentType) {
      PROPERTY(text(value.contents) == kTstInfo, "contentType says TSTInfo");
      ++contentTypes;
    } else if (name == kMessageDigest) {
      PROPERTY(text(value.contents) == hashOf(algorithm, content.contents),
               "messageDigest is the content's");
      ++digests;
    } else if (name == kSigningCertificate || name == kSigningCertificateV2) {
      bool isBound = false;
      for (const DigestAlgorithm one : {DigestAlgorithm::Sha1, DigestAlgorithm::Sha256,
                                        DigestAlgorithm::Sha384, DigestAlgorithm::Sha512}) {
        isBound = isBound || text(value.whole).find(hashOf(one, certificate.whole)) != Text::npos;
      }
      PROPERTY(isBound, "the signing certificate is bound");
      ++bindings;
    }
  }
  PROPERTY(contentTypes == 1 && digests == 1 && bindings >= 1, "the three attributes are signed");
}

}  // namespace

void agreeWithAcceptance(Bytes token, const secureota::VerifiedToken& verified,
                         const Meter& meter) {
  PROPERTY(meter.lastSignatureWasValid, "the last signature that was checked is valid");
  const Node response = parseOne(token);
  const Text status = text(child(child(response, 0), 0).contents);
  PROPERTY(status == Text(1, '\0') || status == Text(1, '\1'), "the status is granted");
  PROPERTY(response.children.size() == 2, "a response has two elements");
  const Node& contentInfo = child(response, 1);
  PROPERTY(text(child(contentInfo, 0).contents) == kSignedData, "the token is SignedData");
  const Node& signedData = child(child(contentInfo, 1), 0);
  const Node& encapsulated = child(signedData, 2);
  PROPERTY(text(child(encapsulated, 0).contents) == kTstInfo, "the content is a TSTInfo");
  const Node& content = child(child(encapsulated, 1), 0);
  const Node& signerInfos = signedData.children.back();
  PROPERTY(signerInfos.tag == 0x31 && signerInfos.children.size() == 1, "there is one signer");
  const Node& signer = child(signerInfos, 0);
  const Node& attributes = child(signer, 3);
  PROPERTY(attributes.tag == 0xa0, "there are signed attributes");
  agreeAboutContent(content, verified);
  const Node* bag = child(signedData, 3).tag == 0xa0 ? &child(signedData, 3) : nullptr;
  const Node certificate = signerCertificate(bag, meter.lastKey);
  agreeAboutSigner(certificate, child(signer, 1), content);
  agreeAboutAttributes(attributes, content, digestOf(child(signer, 2)), certificate);
}

}  // namespace fuzz
