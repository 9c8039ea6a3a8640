// judge-path: the device's path finder alone, without a token around it. The tests give it
// certification paths that were not made for timestamps.
//
// Reads cases from standard input, as many as there are, and prints a line for each: "accepted", or
// the name of the reason. A case is five fields, each preceded by its size in four octets, most
// significant first:
//
//   genTime   YYYYMMDDhhmmss, UTC
//   policy    contents of the OBJECT IDENTIFIER that is required; empty: any
//   anchor    certificate
//   signer    certificate
//   bag       certificates that came along, one behind the other
//
// What verifyToken() asks of a signer's purpose (check 19) is left out, except that a critical
// extension must be understood. Exit 0: all judged; 2: a case could not be read.

#include <stdio.h>
#include <stdlib.h>

#include "secureota/path.h"

namespace {

using namespace secureota;

const size_t kMaxField = 1 << 20;
const size_t kTimeDigits = 14;

// One field, in memory of exactly its size: a sanitizer sees any read beyond it.
class Field {
 public:
  Field() : data_(nullptr), size_(0) {}
  ~Field() { free(data_); }

  bool read() {
    uint8_t prefix[4];
    if (fread(prefix, 1, sizeof prefix, stdin) != sizeof prefix) {
      return false;
    }
    size_ = static_cast<size_t>(prefix[0]) << 24 | static_cast<size_t>(prefix[1]) << 16 |
            static_cast<size_t>(prefix[2]) << 8 | prefix[3];
    if (size_ > kMaxField) {
      return false;
    }
    data_ = static_cast<uint8_t*>(malloc(size_));
    return size_ == 0 || (data_ != nullptr && fread(data_, 1, size_, stdin) == size_);
  }

  Bytes view() const { return Bytes(data_, size_); }

 private:
  Field(const Field&);
  Field& operator=(const Field&);

  uint8_t* data_;
  size_t size_;
};

// Every certificate of the bag parses, or none is used: as in verifyToken().
Error parseBag(Bytes bag) {
  SECUREOTA_TRY(checkDer(bag));
  for (DerReader reader(bag); !reader.atEnd();) {
    Bytes der;
    Certificate certificate = Certificate();
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
    SECUREOTA_TRY(parseCertificate(der, &certificate));
  }
  return Error::None;
}

Error judge(Bytes signerDer, Bytes bag, const TrustStore& anchors, const PathRules& rules) {
  Certificate signer = Certificate();
  Extensions extensions;
  SECUREOTA_TRY(parseBag(bag));
  SECUREOTA_TRY(checkDer(signerDer));
  SECUREOTA_TRY(parseCertificate(signerDer, &signer));
  SECUREOTA_TRY(parseExtensions(signer, &extensions));
  if (extensions.unknownCritical) {
    return Error::CertificateExtensionUnknown;
  }
  return findPath(signer, extensions, bag, anchors, rules);
}

bool judgeCase(const Field& genTime) {
  Field policy;
  Field anchor;
  Field signer;
  Field bag;
  const Rules noRules;
  PathRules rules;
  TrustStore anchors;
  if (!policy.read() || !anchor.read() || !signer.read() || !bag.read() ||
      genTime.view().size != kTimeDigits ||
      !parseCalendarTime(genTime.view().data, &rules.genTime) ||
      anchors.add(anchor.view()) != Error::None) {
    return false;
  }
  rules.policy = policy.view();
  rules.rules = &noRules;
  const Error error = judge(signer.view(), bag.view(), anchors, rules);
  puts(error == Error::None ? "accepted" : errorName(error));
  return true;
}

}  // namespace

int main() {
  int next = 0;
  while ((next = getchar()) != EOF) {
    ungetc(next, stdin);
    Field genTime;
    if (!genTime.read() || !judgeCase(genTime)) {
      fputs("judge-path: a case can't be read\n", stderr);
      return 2;
    }
  }
  return 0;
}
