// Invitations in both forms: what is understood, and what is not.
#include <string>

#include "check.h"
#include "secureota/invitation.h"
#include "secureota/request.h"

using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Error;
using secureota::ImageKind;
using secureota::Invitation;

namespace {

const std::string kMd5(32, 'a');
const std::string kSha256(64, 'B');

Error parse(const std::string& datagram, Invitation* out) {
  return secureota::parseInvitation(
      Bytes(reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()), out);
}

void stockForm() {
  Invitation invitation;
  CHECK_ERROR(parse("0 45123 1048576 " + kMd5 + "\n", &invitation), Error::None);
  CHECK(invitation.stockForm && invitation.asksForMd5Password && !invitation.direct);
  CHECK(invitation.kind == ImageKind::Application);
  CHECK(invitation.port == 45123);
  CHECK(invitation.size == 1048576);
  CHECK(invitation.digestAlgorithm == DigestAlgorithm::Md5);
  CHECK(invitation.digest[0] == 0xaa && invitation.digest[15] == 0xaa);
  CHECK_ERROR(parse("100 1 1 " + kMd5 + "\n", &invitation), Error::None);
  CHECK(invitation.kind == ImageKind::Filesystem);
}

void redWaxForm() {
  const struct {
    const char* name;
    size_t size;
    DigestAlgorithm algorithm;
  } kDigests[] = {{"MD5", 16, DigestAlgorithm::Md5},
                  {"SHA1", 20, DigestAlgorithm::Sha1},
                  {"SHA256", 32, DigestAlgorithm::Sha256},
                  {"SHA384", 48, DigestAlgorithm::Sha384},
                  {"SHA512", 64, DigestAlgorithm::Sha512}};
  for (const auto& digest : kDigests) {
    Invitation invitation;
    const std::string text = std::string("RedWax/1.00 cmd=100 port=65535 size=4294967295 md=") +
                             digest.name + " digest=" + std::string(2 * digest.size, 'C');
    CHECK_ERROR(parse(text + "\n", &invitation), Error::None);
    CHECK(!invitation.stockForm && !invitation.asksForMd5Password && !invitation.direct);
    CHECK(invitation.kind == ImageKind::Filesystem);
    CHECK(invitation.port == 65535 && invitation.size == 4294967295U);
    CHECK(invitation.digestAlgorithm == digest.algorithm);
    CHECK(invitation.digest[digest.size - 1] == 0xcc);
    CHECK_ERROR(parse(text + "0\n", &invitation), Error::BadInvitation);
    CHECK_ERROR(parse(text.substr(0, text.size() - 2) + "\n", &invitation), Error::BadInvitation);
  }
}

void keysInAnyOrderAndUnknownOnes() {
  Invitation invitation;
  CHECK_ERROR(parse("RedWax/1.07 direct=1 digest=" + kSha256 +
                        " authmd=MD5 md=SHA256 rfc3161=900 size=5 flag x= port=6 cmd=0\n",
                    &invitation),
              Error::None);
  CHECK(invitation.asksForMd5Password && invitation.direct);
  CHECK(invitation.size == 5 && invitation.port == 6);
}

void directIsOfferedByOneValueOnly() {
  const std::string text = "RedWax/1.00 cmd=0 port=1 size=1 md=SHA256 digest=" + kSha256;
  Invitation invitation;
  CHECK_ERROR(parse(text + " direct=2\n", &invitation), Error::None);
  CHECK(!invitation.direct);
  CHECK_ERROR(parse(text + " direct=1 direct=1\n", &invitation), Error::BadInvitation);
  CHECK_ERROR(parse(text + " direct=\n", &invitation), Error::BadInvitation);
}

void everythingElse() {
  const std::string good = "RedWax/1.00 cmd=0 port=1 size=1 md=SHA256 digest=" + kSha256 + "\n";
  const std::string kBad[] = {
      "",
      "\n",
      "0 1 1 " + kMd5,
      "0 1 1 " + kMd5 + "\n\n",
      "0 1 1 " + kMd5 + " \n",
      "0  1 1 " + kMd5 + "\n",
      "0 0 1 " + kMd5 + "\n",
      "0 65536 1 " + kMd5 + "\n",
      "0 1 0 " + kMd5 + "\n",
      "0 1 4294967296 " + kMd5 + "\n",
      "0 1 -1 " + kMd5 + "\n",
      "0 01 1 " + kMd5 + "\n",
      "0 1 1 " + kMd5 + "a\n",
      "0 1 1 " + kSha256 + "\n",
      "0 1 1 " + std::string(32, 'g') + "\n",
      "0 1 1\n",
      "RedWax/1.x cmd=0 port=1 size=1 md=SHA256 digest=" + kSha256 + "\n",
      "RedWax/1.00 port=1 size=1 md=SHA256\n",
      "RedWax/1.00 cmd=0 size=1 md=SHA256 digest=" + kSha256 + "\n",
      "RedWax/1.00 cmd=0 port=1 md=SHA256 digest=" + kSha256 + "\n",
      "RedWax/1.00 cmd=0 port=1 size=1 digest=" + kSha256 + "\n",
      "RedWax/1.00 cmd=0 port=1 size=1 md=CRC32 digest=" + kSha256 + "\n",
      "RedWax/1.00 cmd=0 port=1 port=1 size=1 md=SHA256 digest=" + kSha256 + "\n",
      "RedWax/1.00 cmd=0 port= size=1 md=SHA256 digest=" + kSha256 + "\n",
      good.substr(0, good.size() - 1) + "\r\n",
      good.substr(0, good.size() - 1) + " pad=" + std::string(500, 'x') + "\n",
  };
  for (const std::string& bad : kBad) {
    Invitation invitation;
    invitation.port = 7;
    if (!CHECK_ERROR(parse(bad, &invitation), Error::BadInvitation)) {
      printf("    %s\n", bad.c_str());
    }
    CHECK(invitation.port == 7);  // untouched
  }
  Invitation invitation;
  CHECK_ERROR(parse("1 1 1 " + kMd5 + "\n", &invitation), Error::WrongImageKind);
  CHECK_ERROR(parse("RedWax/1.00 cmd=7" + good.substr(17), &invitation), Error::WrongImageKind);
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK_ERROR(parse(good.substr(0, size), &invitation), Error::BadInvitation);
  }
  CHECK_ERROR(parse(good, &invitation), Error::None);
}

// What a device sends must never look like something that a device answers.
void ourAnswersAreNoRequests() {
  const std::string kAnswers[] = {"OK", "AUTH " + kSha256};
  for (const std::string& answer : kAnswers) {
    CHECK(!secureota::looksLikeRequest(
        Bytes(reinterpret_cast<const uint8_t*>(answer.data()), answer.size())));
  }
  for (int error = 0; error <= static_cast<int>(Error::OutOfMemory); ++error) {
    const char* const name = secureota::errorName(static_cast<Error>(error));
    CHECK(
        !secureota::looksLikeRequest(Bytes(reinterpret_cast<const uint8_t*>(name), strlen(name))));
  }
}

}  // namespace

int main() {
  stockForm();
  redWaxForm();
  keysInAnyOrderAndUnknownOnes();
  directIsOfferedByOneValueOnly();
  everythingElse();
  ourAnswersAreNoRequests();
  return secureota_test::report();
}
