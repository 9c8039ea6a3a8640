// The password forms, against answers that Python's hashlib computed.
#include <string>

#include "check.h"
#include "secureota/auth.h"
#include "secureota/text.h"

using secureota::Bytes;
using secureota::Error;
using secureota::Password;
using secureota::PasswordForm;

namespace {

const char kPassword[] = "correct horse";
const char kSha256[] = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
const char kMd5[] = "3cb4e732631f47e6eb961f34554b7cde";

std::string repeat(const char* text, size_t times) {
  std::string result;
  while (times-- != 0) {
    result += text;
  }
  return result;
}

const std::string kNonce = repeat("ab", 32);
const std::string kCnonce = repeat("0123456789abcdef", 4);
const char kResponse[] = "e5b40258790f95063c878a82c13e3d8624deb8f00d38b00027da0ec6b40a82f2";
const char kResponseFromMd5[] = "878046ab49eeb89f6a019aa1be9d579e710f2e83743d76178df6c2ba0c55a640";

// Of a host that takes the hash to be empty, as it is where there is none.
const char kResponseFromNothing[] =
    "5c1b2ed3724b9ce498fb7dda3e71aa19933f1c2d590712fe1863be53680144e8";

const std::string kShortNonce = repeat("cd", 16);
const std::string kShortCnonce = repeat("0123456789abcdef", 2);
const char kMd5Response[] = "68faea6c6ff10ce6e26a5a8bd13437e8";

Bytes bytesOf(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

Error checkLong(const Password& password, const std::string& datagram) {
  return password.check(bytesOf(datagram), PasswordForm::Pbkdf2, bytesOf(kNonce));
}

Error checkShort(const Password& password, const std::string& datagram) {
  return password.check(bytesOf(datagram), PasswordForm::Md5, bytesOf(kShortNonce));
}

std::string answer(const std::string& cnonce, const std::string& response) {
  return "200 " + cnonce + " " + response + "\n";
}

void pbkdf2Form() {
  Password password;
  CHECK(!password.isSet());
  CHECK_ERROR(password.set(kPassword), Error::None);
  CHECK(password.isSet());
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponse)), Error::None);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponseFromMd5)), Error::NotAuthorized);
  CHECK_ERROR(checkLong(password, answer(repeat("0", 64), kResponse)), Error::NotAuthorized);
  std::string upper = kResponse;
  for (char& c : upper) {
    c = c >= 'a' ? static_cast<char>(c - 32) : c;
  }
  CHECK_ERROR(checkLong(password, answer(kCnonce, upper)), Error::None);

  CHECK_ERROR(password.set("Correct horse"), Error::None);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponse)), Error::NotAuthorized);
}

void storedHashes() {
  Password password;
  CHECK_ERROR(password.setHash(kSha256), Error::None);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponse)), Error::None);
  CHECK(password.formFor(true) == PasswordForm::Pbkdf2);

  CHECK_ERROR(password.setHash(kMd5), Error::None);
  CHECK(password.isSet());
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponseFromMd5)), Error::None);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponse)), Error::NotAuthorized);

  CHECK_ERROR(password.setHash("no hash"), Error::NotAuthorized);
  CHECK_ERROR(password.setHash(""), Error::NotAuthorized);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponseFromMd5)), Error::None);  // as it was
}

void md5FormOnlyWhereItIsAllowed() {
  Password password;
  CHECK_ERROR(password.set(kPassword), Error::None);
  CHECK(password.formFor(true) == PasswordForm::Pbkdf2);
  password.allowMd5(true);
  CHECK(password.formFor(false) == PasswordForm::Pbkdf2);
  CHECK(password.formFor(true) == PasswordForm::Md5);
  CHECK_ERROR(checkShort(password, answer(kShortCnonce, kMd5Response)), Error::None);
  CHECK_ERROR(checkShort(password, answer(kShortNonce, kMd5Response)), Error::NotAuthorized);
}

void malformedAnswers() {
  Password password;
  CHECK_ERROR(password.set(kPassword), Error::None);
  const std::string good = answer(kCnonce, kResponse);
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK_ERROR(checkLong(password, good.substr(0, size)), Error::NotAuthorized);
  }
  const std::string kBad[] = {
      good + "\n",
      good + "x",
      " " + good,
      answer(kCnonce, std::string(kResponse) + " "),
      answer(" " + kCnonce, kResponse),
      answer(kCnonce, std::string(kResponse) + "00"),
      answer(kCnonce + "00", kResponse),
      answer("", kResponse),
      answer(kCnonce, ""),
      answer(repeat("xy", 32), kResponse),
      answer(repeat("0", 2000), kResponse),
      answer(kCnonce, kMd5Response),
      "201" + good.substr(3),
      "0200" + good.substr(3),
  };
  for (const std::string& bad : kBad) {
    CHECK_ERROR(checkLong(password, bad), Error::NotAuthorized);
  }
}

void noPassword() {
  Password password;
  CHECK_ERROR(password.set(nullptr), Error::None);
  CHECK_ERROR(password.set(""), Error::None);
  CHECK(!password.isSet());
  password.refuseAll();
  CHECK(password.isSet());
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponseFromNothing)), Error::NotAuthorized);
  CHECK_ERROR(password.set(kPassword), Error::None);
  CHECK_ERROR(checkLong(password, answer(kCnonce, kResponse)), Error::None);
}

}  // namespace

int main() {
  pbkdf2Form();
  storedHashes();
  md5FormOnlyWhereItIsAllowed();
  malformedAnswers();
  noPassword();
  return secureota_test::report();
}
